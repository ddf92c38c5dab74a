package stats

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"inlet/db"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

const (
	keyPrefix   = "inlet:{stats}:"
	liveChannel = keyPrefix + "live"
	// predictionChannel has messages of another form: the release before takes every
	// message of the live channel for an upload.
	predictionChannel = keyPrefix + "predictions"

	shownDays = 30
	// keptDays is how many days have counters in Redis. The surplus makes the shown
	// days independent of the moment at which a key expires.
	keptDays = 40

	// redisWait is the time after which a silent Redis counts as away.
	redisWait = 2 * time.Second
)

var (
	//go:embed window.lua
	windowScript string
	//go:embed apply.lua
	applyScript string
	//go:embed read.lua
	readScript string
	//go:embed switch.lua
	switchScript string
)

// errStale means that Redis does not hold the counters that Postgres names.
var errStale = errors.New("stats: redis holds other counters")

// Options of a service. Log, Registerer and Now may be nil.
type Options struct {
	Pool       *pgxpool.Pool
	Truth      Truth
	Redis      redis.UniversalClient
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// Service counts. It is safe for concurrent use, in any number of processes.
type Service struct {
	pool    *pgxpool.Pool
	truth   Truth
	rdb     redis.UniversalClient
	log     *slog.Logger
	now     func() time.Time
	metrics metrics

	applying, reading, switching *redis.Script

	wake  chan struct{}          // signals a committed event
	epoch atomic.Pointer[string] // of the counters in use, as Postgres last named it
	built atomic.Int64           // when this process last built them, Unix seconds
	hub   hub

	every time.Duration // the relay's and the live feed's interval
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
		applying:  redis.NewScript(windowScript + applyScript),
		reading:   redis.NewScript(windowScript + readScript),
		switching: redis.NewScript(switchScript),
		wake:      make(chan struct{}, 1),
		hub:       hub{subscribers: map[*subscriber]struct{}{}, over: make(chan struct{})},
		every:     time.Second,
	}
}

// Wake tells the relay that a transaction committed an event. It never blocks.
func (s *Service) Wake() { offer(s.wake, struct{}{}) }

// Run applies events and feeds the subscribers until ctx ends; then it closes the
// subscriptions. Call it once.
func (s *Service) Run(ctx context.Context) error {
	defer close(s.hub.over)
	changed := make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() { s.relay(ctx) })
	wg.Go(func() { s.listen(ctx, changed) })
	wg.Go(func() { s.announce(ctx, changed) })
	wg.Wait()
	return nil
}

// state identifies counters: see the package's comment.
type state struct {
	Epoch  string `redis:"epoch"`
	Seq    int64  `redis:"seq"`
	Recent int64  `redis:"recent"` // in Redis alone
}

// wanted is the state that Redis should have.
func (s *Service) wanted(ctx context.Context, q db.Querier) (w state, err error) {
	if err := q.QueryRow(ctx, `SELECT epoch, seq FROM stats_state`).Scan(&w.Epoch, &w.Seq); err != nil {
		return state{}, fmt.Errorf("stats: read the state: %w", err)
	}
	s.epoch.Store(&w.Epoch)
	return w, nil
}

// trusts tells whether counters of this epoch are the ones in use. It asks Postgres
// only about an epoch other than the last known one.
func (s *Service) trusts(ctx context.Context, epoch string) bool {
	if known := s.epoch.Load(); epoch == "" || known != nil && *known == epoch {
		return epoch != ""
	}
	w, err := s.wanted(ctx, s.pool)
	return err == nil && w.Epoch == epoch
}

// dates lists n UTC days, the last one being that of now.
func dates(now time.Time, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = now.UTC().AddDate(0, 0, i-n+1).Format(time.DateOnly)
	}
	return all
}
