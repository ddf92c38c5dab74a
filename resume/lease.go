package resume

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"inlet/problem"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// One statement takes the lease or, where it is held, asks its holder to make
	// room. Postgres' clock alone decides when a lease is over.
	acquireQuery = `
		UPDATE upload_sessions SET
			holder = CASE WHEN holder IS NULL OR held_until < now() THEN $2 ELSE holder END,
			held_until = CASE WHEN holder IS NULL OR held_until < now() THEN now() + $3::interval ELSE held_until END,
			wanted = holder IS NOT NULL AND held_until >= now(),
			expires_at = CASE WHEN result IS NULL THEN greatest(expires_at, $4) ELSE expires_at END
		WHERE id = $1 RETURNING holder = $2, expires_at, result`

	// A row that is locked is just being committed or asked for: it is renewed the
	// next time. Waiting for it would hold up all the others.
	renewQuery = `
		UPDATE upload_sessions SET held_until = now() + $3::interval
		WHERE id IN (
			SELECT s.id FROM upload_sessions s JOIN unnest($1::text[], $2::text[]) AS mine (id, holder) USING (id, holder)
			FOR UPDATE OF s SKIP LOCKED)
		RETURNING holder, wanted`

	releaseQuery = `
		UPDATE upload_sessions SET holder = NULL, held_until = NULL, wanted = false,
			expires_at = CASE WHEN result IS NULL THEN greatest(expires_at, $3) ELSE expires_at END
		WHERE id = $1 AND holder = $2`
)

const (
	// pollEvery is how often one looks whether a lease has become free.
	pollEvery = 100 * time.Millisecond
	// maxWaiting is how many requests of one process may wait for one session.
	maxWaiting = 8
)

// lease is the right to write to a session, until a moment that run moves on.
type lease struct {
	session   string
	holder    string // of this lease alone
	interrupt func(error)

	mu    sync.Mutex // guards until
	until time.Time
}

// live tells whether nobody else can have the session. It errs on the safe side:
// by the time that Postgres gives the lease away it has long been false.
func (l *lease) live() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.until)
}

func (l *lease) extend(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = until
}

// leases are those that this process holds.
type leases struct {
	pool *pgxpool.Pool
	life time.Duration

	mu      sync.Mutex // guards what follows
	held    map[string]*lease
	waiting map[string]int // requests by session
	closed  bool           // interruptAll was called
}

func newLeases(pool *pgxpool.Pool, life time.Duration) *leases {
	return &leases{pool: pool, life: life, held: map[string]*lease{}, waiting: map[string]int{}}
}

// trusted is the part of a lease's life on which its holder relies. The rest is
// for what is between a look at the clock and a write.
func (l *leases) trusted(since time.Time) time.Time { return since.Add(l.life * 7 / 10) }

// acquire waits for the lease of a session, at most lockWait. interrupt is called
// when somebody else wants it, or when it was lost. What the row says of the
// session is brought up to date.
func (l *leases) acquire(ctx context.Context, s *session, expires time.Time, interrupt func(error)) (*lease, error) {
	if !l.queueUp(s.id) {
		return nil, ErrLocked
	}
	defer l.leaveQueue(s.id)
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	mine := &lease{session: s.id, holder: rand.Text(), interrupt: interrupt}
	for {
		got, err := l.try(ctx, mine, s, expires)
		switch {
		case ctx.Err() != nil:
			return nil, ErrLocked
		case err != nil:
			return nil, err
		case got:
			l.hold(mine)
			return mine, nil
		}
		l.ask(s.id)
		select {
		case <-ctx.Done():
			return nil, ErrLocked
		case <-time.After(pollEvery):
		}
	}
}

func (l *leases) try(ctx context.Context, mine *lease, s *session, expires time.Time) (got bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	start := time.Now()
	err = l.pool.QueryRow(ctx, acquireQuery, s.id, mine.holder, l.life, expires).Scan(&got, &s.expires, &s.result)
	mine.extend(l.trusted(start))
	if errors.Is(err, pgx.ErrNoRows) {
		return false, ErrNotFound // it was deleted meanwhile
	}
	if err != nil {
		return false, problem.StoreFailed(fmt.Errorf("resume: take a lease: %w", err))
	}
	return got, nil
}

// hold makes run renew the lease.
func (l *leases) hold(mine *lease) {
	l.mu.Lock()
	l.held[mine.holder] = mine
	closed := l.closed
	l.mu.Unlock()
	if closed {
		mine.interrupt(ErrInterrupted)
	}
}

// ask interrupts the holder if it is of this process; another one hears of it
// when it renews.
func (l *leases) ask(session string) {
	for _, held := range l.mine() {
		if held.session == session {
			held.interrupt(ErrLocked)
		}
	}
}

// release gives a lease back. It outlives the request; when it fails, the lease
// ends by itself.
func (l *leases) release(ctx context.Context, mine *lease, expires time.Time) error {
	l.mu.Lock()
	delete(l.held, mine.holder)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWait)
	defer cancel()
	if _, err := l.pool.Exec(ctx, releaseQuery, mine.session, mine.holder, expires); err != nil {
		return fmt.Errorf("resume: release a lease: %w", err)
	}
	return nil
}

// run renews what is held, by one statement for all, until ctx ends.
func (l *leases) run(ctx context.Context) {
	tick := time.NewTicker(l.life / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		held := l.mine()
		if len(held) == 0 {
			continue
		}
		// A database that is away for a moment does no harm: leases that are not
		// renewed end, which their holders see.
		wanted, _ := l.renew(ctx, held)
		for _, lease := range held {
			switch {
			case !lease.live():
				lease.interrupt(ErrInterrupted)
			case wanted[lease.holder]:
				lease.interrupt(ErrLocked)
			}
		}
	}
}

// renew returns which of held are wanted by others.
func (l *leases) renew(ctx context.Context, held map[string]*lease) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.life/5)
	defer cancel()
	var ids, holders []string
	for _, lease := range held {
		ids, holders = append(ids, lease.session), append(holders, lease.holder)
	}
	start := time.Now()
	rows, err := l.pool.Query(ctx, renewQuery, ids, holders, l.life)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	var holder string
	var want bool
	_, err = pgx.ForEachRow(rows, []any{&holder, &want}, func() error {
		held[holder].extend(l.trusted(start))
		wanted[holder] = want
		return nil
	})
	return wanted, err
}

// mine is a copy of what is held.
func (l *leases) mine() map[string]*lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := make(map[string]*lease, len(l.held))
	for holder, lease := range l.held {
		held[holder] = lease
	}
	return held
}

func (l *leases) interruptAll() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for _, lease := range l.mine() {
		lease.interrupt(ErrInterrupted)
	}
}

func (l *leases) queueUp(session string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[session] >= maxWaiting {
		return false
	}
	l.waiting[session]++
	return true
}

func (l *leases) leaveQueue(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[session]--; l.waiting[session] == 0 {
		delete(l.waiting, session)
	}
}
