package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	// overlap is how long a row may take from getting its number to being
	// committed. Statements are bounded to a fraction of this.
	overlap = time.Minute
	// kept is how long a revocation matters: no token lives longer.
	kept = maxLifetime + clockSkew

	revokeTimeout  = 5 * time.Second
	publishTimeout = 500 * time.Millisecond
	// After this much silence Redis is asked whether it is still there, and
	// given up after as much again.
	silence    = 15 * time.Second
	maxBackoff = 2 * time.Second
)

const (
	// The columns' order by number is not the order of commits.
	sqlRevokedSince = `
		SELECT seq, link_id, revoked_at FROM revoked_links
		WHERE seq > $1 AND revoked_at > now() - make_interval(secs => $2)`
	sqlRevoke = `
		INSERT INTO revoked_links (link_id, revoked_at) VALUES ($1, now())
		ON CONFLICT (link_id) DO NOTHING`
)

// Revocations holds in memory which links were revoked, by any process. The
// database is the truth and is read again each second; a message through Redis
// saves most of that second and may be lost.
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

// Revoke makes every process refuse the link. When it returns without an error
// that is durable and this process refuses it already. An id that was never
// given out is fine.
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

	// The client may leave now, the others should still hear of it.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	if err := r.rdb.Publish(ctx, revokedChannel, string(id)).Err(); err != nil {
		r.log.Warn("a revocation was not announced; others find it in the database", "link_id", string(id), "error", err)
	}
	return nil
}

// Load reads every revocation that still matters. It is called before links are
// verified, so that a process that starts knows what the others know.
func (r *Revocations) Load(ctx context.Context) error {
	_, err := r.read(ctx, 0)
	return err
}

// Run keeps the set current until ctx ends. It outlives any absence of Redis or
// Postgres.
func (r *Revocations) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { r.listen(ctx) })
	r.poll(ctx)
	wg.Wait()
	return nil
}

func (r *Revocations) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var t tail
	away := outage{log: r.log, store: "Postgres"}
	for {
		now := time.Now()
		if t.stale(now) {
			t = tail{loaded: now}
			r.forget(now.Add(-kept))
		}
		high, err := r.readInTime(ctx, t.mark)
		if ctx.Err() != nil {
			return
		}
		if away.note(err); err != nil {
			t = tail{} // what comes back may be a stand-in that lacks the last rows and reuses their numbers
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

func (r *Revocations) readInTime(ctx context.Context, after int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	return r.read(ctx, after)
}

// read takes over the rows with a number above after and returns the highest.
func (r *Revocations) read(ctx context.Context, after int64) (int64, error) {
	rows, err := r.pool.Query(ctx, sqlRevokedSince, after, kept.Seconds())
	if err != nil {
		return 0, fmt.Errorf("link: read revocations: %w", err)
	}
	var (
		seq, high int64
		id        ID
		at        time.Time
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
	for id, at := range r.set {
		if at.Before(before) {
			delete(r.set, id)
		}
	}
}

// listen takes over what is announced through Redis.
func (r *Revocations) listen(ctx context.Context) {
	away := outage{log: r.log, store: "Redis"}
	for wait := pollEvery / 10; ctx.Err() == nil; wait = min(2*wait, maxBackoff) {
		err := r.subscribe(ctx, func() {
			away.note(nil)
			wait = pollEvery / 10
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

// subscribe listens until something fails. It calls subscribed when Redis has
// confirmed.
func (r *Revocations) subscribe(ctx context.Context, subscribed func()) error {
	sub := r.rdb.Subscribe(ctx, revokedChannel)
	closeSub := func() { _ = sub.Close() } // it says no more than that it was closed
	defer closeSub()
	stop := context.AfterFunc(ctx, closeSub) // a read in progress does not watch ctx
	defer stop()
	asked := false
	for {
		message, err := sub.ReceiveTimeout(ctx, silence)
		var netErr net.Error
		if !asked && errors.As(err, &netErr) && netErr.Timeout() {
			asked, err = true, sub.Ping(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		asked = false
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

// tail says from which number on the rows are read again. Numbers are given out
// before the commit, so a row can appear below the highest number that was seen:
// what is younger than overlap is read each time.
type tail struct {
	loaded time.Time // when everything was read
	mark   int64     // every row up to here has been read
	next   int64     // the highest number at the time since
	since  time.Time
}

// stale tells that everything is to be read again, which also repairs whatever
// was not foreseen.
func (t *tail) stale(now time.Time) bool { return now.Sub(t.loaded) >= reloadEvery }

// read notes that the rows above mark were read, high being the highest.
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
