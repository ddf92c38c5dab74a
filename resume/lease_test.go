package resume

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db"
	"inlet/db/dbtest"
)

const testLife = 2 * time.Second

// process is one that runs its leases until the test ends, or is killed.
func process(t *testing.T, pool *pgxpool.Pool) (l *leases, kill func()) {
	t.Helper()
	l = newLeases(pool, testLife)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { l.run(ctx) })
	kill = func() { cancel(); wg.Wait() }
	t.Cleanup(kill)
	return l, kill
}

func newSession(t *testing.T, pool *pgxpool.Pool, id string) *session {
	t.Helper()
	s := session{ID: id, StoredAs: id, Size: 10, ExpiresAt: time.Now().Add(time.Hour)}
	if err := (sessions{pool}).create(t.Context(), s, "link", time.Now()); err != nil {
		t.Fatal(err)
	}
	return &s
}

// take acquires a lease and passes on why it is interrupted.
func take(t *testing.T, l *leases, s *session) (*lease, chan error) {
	t.Helper()
	why := make(chan error, 9)
	got, err := l.acquire(t.Context(), s, s.ExpiresAt, func(err error) {
		select {
		case why <- err:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, why
}

func want(t *testing.T, why chan error, reason error) {
	t.Helper()
	select {
	case err := <-why:
		if !errors.Is(err, reason) {
			t.Errorf("interrupted by %v, want %v", err, reason)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("was not interrupted by %v", reason)
	}
}

// A lease lasts while its process renews it, and moves to another process soon
// after that one asked for it.
func TestLeaseIsAskedFor(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	first, _ := process(t, pool)
	second, _ := process(t, pool)
	s := newSession(t, pool, "A")
	held, why := take(t, first, s)
	released := make(chan struct{})
	go func() {
		defer close(released)
		want(t, why, ErrLocked)
		if !held.live() {
			t.Error("the lease ended while it was renewed")
		}
		if err := first.release(t.Context(), held, s.ExpiresAt); err != nil {
			t.Error(err)
		}
	}()
	got, _ := take(t, second, s)
	<-released
	if !got.live() {
		t.Error("the lease is not live")
	}
}

// A process that can no longer renew gives up before anybody else can have the
// lease, and one that died keeps it for no longer than its life.
func TestLeaseEnds(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	first, kill := process(t, pool)
	second, _ := process(t, pool)
	s := newSession(t, pool, "A")
	held, _ := take(t, first, s)
	kill()
	got, _ := take(t, second, s)
	if held.live() || !got.live() {
		t.Errorf("live: the first %v, the second %v", held.live(), got.live())
	}
	// What the first still does changes nothing.
	if err := first.release(t.Context(), held, s.ExpiresAt); err != nil {
		t.Fatal(err)
	}
	if err := (sessions{pool}).record(t.Context(), s.ID, held.holder, &Result{}, s.ExpiresAt); !errors.Is(err, errLost) {
		t.Errorf("a result without the lease: %v", err)
	}
	if err := (sessions{pool}).record(t.Context(), s.ID, got.holder, &Result{}, s.ExpiresAt); err != nil {
		t.Errorf("a result with the lease: %v", err)
	}
	if err := (sessions{pool}).record(t.Context(), s.ID, got.holder, &Result{}, s.ExpiresAt); !errors.Is(err, errLost) {
		t.Errorf("a second result: %v", err)
	}
}

// A database that is away for a moment costs nothing, for longer the lease.
func TestLeaseWithoutDatabase(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	away, err := db.Open(t.Context(), "postgres://127.0.0.1:1/inlet", db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	l, _ := process(t, pool)
	s := newSession(t, pool, "A")
	_, why := take(t, l, s)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `LOCK TABLE upload_sessions IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	want(t, why, ErrInterrupted)
	if _, err := newLeases(away, testLife).acquire(t.Context(), s, s.ExpiresAt, nil); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("a lease without a database: %v", err)
	}
}

// At most one of many has the lease at any moment, and everyone gets it.
func TestLeaseIsExclusive(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	s := newSession(t, pool, "A")
	var inside, turns atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		l, _ := process(t, pool)
		for range 3 {
			wg.Go(func() {
				own := *s
				held, err := l.acquire(t.Context(), &own, s.ExpiresAt, func(error) {})
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two have the lease")
				}
				turns.Add(1)
				inside.Add(-1)
				if err := l.release(t.Context(), held, s.ExpiresAt); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if turns.Load() != 9 {
		t.Errorf("%d had a turn", turns.Load())
	}
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	l := newLeases(nil, testLife)
	for range maxWaiting {
		if !l.queueUp("A") {
			t.Fatal("refused too soon")
		}
	}
	if l.queueUp("A") {
		t.Error("one too many waits")
	}
	l.leaveQueue("A")
	if !l.queueUp("A") {
		t.Error("a place that was left is not free")
	}
}
