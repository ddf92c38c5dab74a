package stats

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"inlet/db"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

const (
	keyPrefix   = "inlet:{stats}:"
	liveChannel = keyPrefix + "live"

	shownDays = 30
	// Days whose counters are kept, so that what is shown never depends on when
	// exactly a key expires.
	keptDays = 40

	// A Redis that does not answer in this time is taken to be away.
	redisWait = 2 * time.Second
)

var (
	//go:embed apply.lua
	applyScript string
	//go:embed read.lua
	readScript string
	//go:embed switch.lua
	switchScript string
)

// errStale: Redis does not hold the counters that Postgres says it should.
var errStale = errors.New("stats: redis holds other counters")

// Options of a service. Registerer and Now may be nil.
type Options struct {
	Pool       *pgxpool.Pool
	Truth      Truth
	Redis      redis.UniversalClient
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// Service counts. Its methods may be called at once, and from any number of
// processes.
type Service struct {
	pool    *pgxpool.Pool
	truth   Truth
	rdb     redis.UniversalClient
	log     *slog.Logger
	now     func() time.Time
	metrics metrics

	applying, reading, switching *redis.Script

	wake  chan struct{}          // something was committed
	epoch atomic.Pointer[string] // of the counters in use, as Postgres last said
	hub   hub

	every time.Duration // how often the relay looks by itself, and the live feed tells
}

// New makes a service. It does nothing by itself until Run is called.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		pool: o.Pool, truth: o.Truth, rdb: o.Redis, log: o.Log, now: o.Now,
		metrics:   newMetrics(o.Registerer),
		applying:  redis.NewScript(applyScript),
		reading:   redis.NewScript(readScript),
		switching: redis.NewScript(switchScript),
		wake:      make(chan struct{}, 1),
		hub:       hub{subscribers: map[*subscriber]struct{}{}, over: make(chan struct{})},
		every:     time.Second,
	}
}

// Wake says that an event was committed. It never blocks.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run applies events and feeds the subscribers until ctx ends; then it closes
// the subscriptions. It is called once.
func (s *Service) Run(ctx context.Context) error {
	defer s.hub.close()
	changed := make(chan struct{}, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.relay(ctx); return nil })
	g.Go(func() error { s.listen(ctx, changed); return nil })
	g.Go(func() error { s.announce(ctx, changed); return nil })
	return g.Wait()
}

// state is which counters there are: see the package's comment.
type state struct {
	epoch string
	seq   int64
}

// wanted is the state that Redis ought to have.
func (s *Service) wanted(ctx context.Context, q db.Querier) (state, error) {
	var w state
	if err := q.QueryRow(ctx, `SELECT epoch, seq FROM stats_state`).Scan(&w.epoch, &w.seq); err != nil {
		return state{}, fmt.Errorf("stats: read the state: %w", err)
	}
	s.epoch.Store(&w.epoch)
	return w, nil
}

// trusts tells whether counters of this epoch are the ones in use. Postgres is
// asked only when it is not the one that was in use when last looked.
func (s *Service) trusts(ctx context.Context, epoch string) bool {
	if known := s.epoch.Load(); epoch == "" || known != nil && *known == epoch {
		return epoch != ""
	}
	w, err := s.wanted(ctx, s.pool)
	return err == nil && w.epoch == epoch
}

// today is the UTC day of t.
func today(t time.Time) time.Time {
	return t.UTC().Truncate(24 * time.Hour)
}

// dates lists n days, the last one being that of now.
func dates(now time.Time, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = today(now).AddDate(0, 0, i-n+1).Format(time.DateOnly)
	}
	return all
}
