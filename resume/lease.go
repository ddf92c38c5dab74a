package resume

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// One statement takes the lease or, where another request has it, asks its
	// holder for it. Postgres' clock alone decides when a lease ends.
	acquireQuery = `
		UPDATE upload_sessions SET
			holder = CASE WHEN holder IS NULL OR held_until < now() THEN $2 ELSE holder END,
			held_until = CASE WHEN holder IS NULL OR held_until < now() THEN now() + $3::interval ELSE held_until END,
			wanted = holder IS NOT NULL AND held_until >= now(),
			expires_at = CASE WHEN result IS NULL THEN greatest(expires_at, $4) ELSE expires_at END
		WHERE id = $1 RETURNING holder = $2, expires_at, result`

	// The next renewal comes for a row that another transaction has locked. Waiting
	// for one row would hold up all the others.
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

	// pollEvery is how often a waiting request tries to take the lease.
	pollEvery = 100 * time.Millisecond
	// maxWaiting is how many requests of one process may wait for one session.
	maxWaiting = 8
)

// lease is the right to write to a session, until a moment that run moves on.
type lease struct {
	session   string
	holder    string // of this lease alone
	interrupt func(error)
	until     atomic.Pointer[time.Time]
}

// live tells whether nobody else can have the session. It errs on the safe side:
// it turns false long before Postgres gives the lease away.
func (l *lease) live() bool { return time.Now().Before(*l.until.Load()) }

// extend counts from the moment at which Postgres was asked. A holder trusts a part
// of the lease's life; the rest is for the time between a look at the clock and a
// write.
func (l *lease) extend(asked time.Time, life time.Duration) {
	until := asked.Add(life * 7 / 10)
	l.until.Store(&until)
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

// acquire waits for the lease of a session, at most lockWait, and brings s up to
// date with its row. interrupt hears ErrLocked when another request wants the lease
// and ErrInterrupted when the lease was lost.
func (l *leases) acquire(ctx context.Context, s *session, expires time.Time, interrupt func(error)) (*lease, error) {
	if !l.queueUp(s.ID) {
		return nil, ErrLocked
	}
	defer l.leaveQueue(s.ID)
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()

	mine := &lease{session: s.ID, holder: rand.Text(), interrupt: interrupt}
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

		l.ask(s.ID)
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

	mine.extend(time.Now(), l.life)
	err = l.pool.QueryRow(ctx, acquireQuery, s.ID, mine.holder, l.life, expires).Scan(&got, &s.ExpiresAt, &s.Result)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, ErrNotFound // deleted meanwhile
	}

	return got, failed("take a lease", err)
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

// ask interrupts a holder in this process; one in another process hears of it when
// it renews.
func (l *leases) ask(session string) {
	for _, held := range l.mine() {
		if held.session == session {
			held.interrupt(ErrLocked)
		}
	}
}

// release gives a lease back, also when ctx has ended. If it fails, the lease ends
// by itself.
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

// run renews all leases, by one statement, until ctx ends. A database that is away
// for a moment does no harm: a lease that nobody renews ends, and its holder sees
// that.
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
		wanted, _ := l.renew(ctx, held)
		for holder, one := range held {
			switch {
			case !one.live():
				one.interrupt(ErrInterrupted)
			case wanted[holder]:
				one.interrupt(ErrLocked)
			}
		}
	}
}

// renew tells which of held other requests want.
func (l *leases) renew(ctx context.Context, held map[string]*lease) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.life/5)
	defer cancel()

	var ids, holders []string
	for _, one := range held {
		ids, holders = append(ids, one.session), append(holders, one.holder)
	}
	asked := time.Now()
	rows, _ := l.pool.Query(ctx, renewQuery, ids, holders, l.life) // rows hold the error

	wanted := map[string]bool{}
	var holder string
	var want bool
	_, err := pgx.ForEachRow(rows, []any{&holder, &want}, func() error {
		held[holder].extend(asked, l.life)
		wanted[holder] = want
		return nil
	})

	return wanted, err
}

// mine copies the map of the leases that this process holds.
func (l *leases) mine() map[string]*lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.held)
}

func (l *leases) interruptAll() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for _, one := range l.mine() {
		one.interrupt(ErrInterrupted)
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
