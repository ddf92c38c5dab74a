package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

const (
	revokedChannel = "inlet:{stats}:revoked"

	pollEvery   = time.Second
	pollTimeout = 2 * time.Second
	reloadEvery = time.Hour
	// overlap bounds the time from a row's number to its commit. The statement
	// timeout is a fraction of it.
	overlap = time.Minute
	// retention is how long a revocation matters: no token lives longer.
	retention = maxLifetime + clockSkew

	revokeTimeout  = 5 * time.Second
	publishTimeout = 500 * time.Millisecond
	// The subscriber pings Redis after this much silence, and reconnects after as
	// much again.
	silence    = 15 * time.Second
	minBackoff = pollEvery / 10
	maxBackoff = 2 * time.Second
)

const (
	sqlRevokedSince = `
		SELECT seq, link_id, revoked_at FROM revoked_links
		WHERE seq > $1 AND revoked_at > now() - make_interval(secs => $2)`
	sqlRevoke = `
		INSERT INTO revoked_links (link_id, revoked_at) VALUES ($1, now())
		ON CONFLICT (link_id) DO NOTHING`
)

// Revocations holds in memory which links any process revoked. The database is the
// truth, and each process reads it every second; a message through Redis saves most
// of that second and may get lost.
type Revocations struct {
	pool *pgxpool.Pool
	rdb  redis.UniversalClient
	log  *slog.Logger

	mu  sync.RWMutex // guards set
	set map[ID]time.Time
}

// NewRevocations makes an empty set; Load fills it and Run keeps it current.
func NewRevocations(pool *pgxpool.Pool, rdb redis.UniversalClient, log *slog.Logger) *Revocations {
	return &Revocations{pool: pool, rdb: rdb, log: log, set: map[ID]time.Time{}}
}

// Revoked is a look-up in memory.
func (r *Revocations) Revoked(id ID) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.set[id]
	return ok
}

// Revoke makes every process refuse the link. Once it returns nil, the revocation is
// durable and this process applies it. Revoking an unknown id is no error.
func (r *Revocations) Revoke(ctx context.Context, id ID) error {
	if !id.valid() { // no token can have it
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	if _, err := r.pool.Exec(ctx, sqlRevoke, id); err != nil {
		return fmt.Errorf("link: revoke: %w", err)
	}
	r.add(id, time.Now())

	// The other processes should hear of it even if the client disconnects.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	if err := r.rdb.Publish(ctx, revokedChannel, string(id)).Err(); err != nil {
		r.log.Warn("a revocation was not announced; others find it in the database", "link_id", string(id), "error", err)
	}

	return nil
}

// Load reads every revocation that still matters. Call it before the process
// verifies links, so that it knows what the others know.
func (r *Revocations) Load(ctx context.Context) error {
	_, err := r.read(ctx, 0)
	return err
}

// Run keeps the set current until ctx ends. It outlives any outage of Redis or
// Postgres.
func (r *Revocations) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { r.listen(ctx) })
	r.poll(ctx)
	wg.Wait()
	return nil
}

func (r *Revocations) poll(ctx context.Context) {
	var t tail
	away := outage{log: r.log, store: "Postgres"}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()

	for {
		now := time.Now()
		if t.stale(now) {
			t = tail{loaded: now}
			r.forget(now.Add(-retention))
		}
		read, cancel := context.WithTimeout(ctx, pollTimeout)
		high, err := r.read(read, t.mark)
		cancel()
		if ctx.Err() != nil {
			return
		}

		if away.note(err); err != nil {
			t = tail{} // after an outage a stand-in may lack the last rows and reuse their numbers
		} else {
			t.read(high, now)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// read adds the rows with a number above after, and returns the highest number.
func (r *Revocations) read(ctx context.Context, after int64) (high int64, err error) {
	rows, _ := r.pool.Query(ctx, sqlRevokedSince, after, retention.Seconds()) // ForEachRow returns the error
	var (
		seq int64
		id  ID
		at  time.Time
	)
	_, err = pgx.ForEachRow(rows, []any{&seq, &id, &at}, func() error {
		high = max(high, seq)
		r.add(id, at)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("link: read revocations: %w", err)
	}

	return high, nil
}

func (r *Revocations) add(id ID, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set[id] = at
}

func (r *Revocations) forget(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.set, func(_ ID, at time.Time) bool { return at.Before(before) })
}

// listen adds what other processes announce through Redis.
func (r *Revocations) listen(ctx context.Context) {
	away := outage{log: r.log, store: "Redis"}
	for wait := minBackoff; ctx.Err() == nil; wait = min(2*wait, maxBackoff) {
		err := r.subscribe(ctx, func() {
			away.note(nil)
			wait = minBackoff
		})
		if ctx.Err() != nil {
			return
		}
		away.note(err)

		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// subscribe listens until something fails. It calls subscribed when Redis confirms
// the subscription.
func (r *Revocations) subscribe(ctx context.Context, subscribed func()) error {
	sub := r.rdb.Subscribe(ctx, revokedChannel)
	closeSub := func() { _ = sub.Close() } // fails only when closed already
	defer closeSub()
	stop := context.AfterFunc(ctx, closeSub) // a pending read ignores ctx
	defer stop()

	for pinged := false; ; {
		message, err := sub.ReceiveTimeout(ctx, silence)
		var netErr net.Error
		if !pinged && errors.As(err, &netErr) && netErr.Timeout() {
			pinged, err = true, sub.Ping(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}

		pinged = false
		switch m := message.(type) {
		case *redis.Subscription:
			subscribed()
		case *redis.Message:
			if id := ID(m.Payload); id.valid() {
				r.add(id, time.Now())
			}
		}
	}
}

// tail computes the number above which the next poll reads. Postgres numbers a row
// before its commit, so a row can appear below the highest number that a poll saw.
// Every poll reads again the rows that are younger than overlap.
type tail struct {
	loaded time.Time // when a poll read all rows
	mark   int64     // no later commit adds a row up to here
	next   int64     // the highest number at the time since
	since  time.Time
}

// stale tells whether the next poll reads all rows. Once in reloadEvery it does,
// which repairs the unforeseen.
func (t *tail) stale(now time.Time) bool { return now.Sub(t.loaded) >= reloadEvery }

// read notes that a poll read the rows above mark, up to high.
func (t *tail) read(high int64, now time.Time) {
	if t.next == 0 {
		t.next, t.since = high, now
	}
	if now.Sub(t.since) >= overlap {
		t.mark, t.next, t.since = t.next, max(t.next, high), now
	}
}

// outage logs the beginning and the end of a store's absence, once each.
type outage struct {
	log   *slog.Logger
	store string
	on    bool
}

func (o *outage) note(err error) {
	switch {
	case err != nil && !o.on:
		o.log.Warn("revocations are not read", "store", o.store, "error", err)
	case err == nil && o.on:
		o.log.Info("revocations are read again", "store", o.store)
	}
	o.on = err != nil
}
