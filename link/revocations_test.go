package link

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"inlet/db/dbtest"
	"inlet/embedded/redistest"
)

// logbook is a log that tests read.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), s)
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opts)
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// replica is a running Revocations, as each process has one.
func replica(t *testing.T, pool *pgxpool.Pool, redisURL string) (*Revocations, *logbook) {
	t.Helper()
	var log logbook
	r := NewRevocations(pool, client(t, redisURL), slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r, &log
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func revoke(t *testing.T, r *Revocations, id ID) {
	t.Helper()
	if err := r.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if !r.Revoked(id) {
		t.Fatalf("%s is not revoked where it was", id)
	}
}

func TestReplicasHearOfRevocations(t *testing.T) {
	t.Parallel()
	redistest.EachServer(t, func(t *testing.T, server *redistest.Server) {
		pool := dbtest.Pool(t)
		a, logA := replica(t, pool, server.URL)
		b, logB := replica(t, pool, server.URL)

		revoke(t, a, "one")
		eventually(t, "b hears of one", func() bool { return b.Revoked("one") })
		if a.Revoked("two") || b.Revoked("two") {
			t.Error("two was not revoked")
		}

		server.Stop()
		revoke(t, a, "two")
		revoke(t, b, "three")
		revoke(t, b, "three")
		eventually(t, "both hear without Redis", func() bool { return b.Revoked("two") && a.Revoked("three") })
		eventually(t, "the outage is logged", func() bool { return logA.count("not read") == 1 && logB.count("not read") == 1 })

		server.Restart()
		eventually(t, "its end is logged", func() bool { return logA.count("read again") == 1 && logB.count("read again") == 1 })
		revoke(t, b, "four")
		eventually(t, "a hears of four", func() bool { return a.Revoked("four") })

		fresh := NewRevocations(pool, client(t, server.URL), slog.New(slog.DiscardHandler))
		if err := fresh.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range []ID{"one", "two", "three", "four"} {
			if !fresh.Revoked(id) {
				t.Errorf("after a restart %s is not revoked", id)
			}
		}
		if logA.count("store=Redis") != 2 || logB.count("store=Postgres") != 0 {
			t.Errorf("logs:\n%s\n%s", &logA.text, &logB.text)
		}
	})
}

// A replica that cannot reach Postgres hears of revocations through Redis.
func TestRevocationsThroughRedisAlone(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, url string) {
		nowhere, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/nothing")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nowhere.Close)
		b, _ := replica(t, nowhere, url)
		rdb := client(t, url)
		eventually(t, "b listens", func() bool {
			n, err := rdb.PubSubNumSub(t.Context(), revokedChannel).Result()
			return err == nil && n[revokedChannel] == 1
		})
		for _, garbage := range []string{"", "a b", "\x00", strings.Repeat("x", 65)} {
			if err := rdb.Publish(t.Context(), revokedChannel, garbage).Err(); err != nil {
				t.Fatal(err)
			}
		}
		a := NewRevocations(dbtest.Pool(t), rdb, slog.New(slog.DiscardHandler))
		revoke(t, a, "one")
		eventually(t, "b hears of one", func() bool { return b.Revoked("one") })
		if len(b.set) != 1 {
			t.Errorf("%d entries", len(b.set))
		}
	})
}

// A row is committed after another that has a higher number.
func TestRevocationCommittedLate(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	r, _ := replica(t, pool, "redis://127.0.0.1:1")
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), sqlRevoke, ID("early")); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), sqlRevoke, ID("late")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the higher number is read", func() bool { return r.Revoked("late") })
	if r.Revoked("early") {
		t.Error("read before it was committed")
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lower number is read", func() bool { return r.Revoked("early") })
}

func TestRevocationsOutliveAnAbsenceOfPostgres(t *testing.T) {
	t.Parallel()
	cfg, err := pgxpool.ParseConfig(dbtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	cfg.BeforeConnect = func(context.Context, *pgx.ConnConfig) error {
		if away.Load() {
			return errors.New("Postgres is away")
		}
		return nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	a, log := replica(t, pool, redistest.URL(t))
	revoke(t, a, "one")

	away.Store(true)
	pool.Reset()
	eventually(t, "the outage is logged", func() bool { return log.count("store=Postgres") == 1 })
	if err := a.Revoke(t.Context(), "two"); err == nil || a.Revoked("two") {
		t.Errorf("revoked without a database: %v", err)
	}
	if err := a.Load(t.Context()); err == nil {
		t.Error("loaded without a database")
	}
	if !a.Revoked("one") {
		t.Error("one is forgotten")
	}

	away.Store(false)
	if _, err := pool.Exec(t.Context(), sqlRevoke, ID("three")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "three is read", func() bool { return a.Revoked("three") })
	eventually(t, "the end is logged", func() bool { return log.count("store=Postgres") == 2 })
}

func TestRevokeUnknownLinks(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	r := NewRevocations(pool, client(t, redistest.URL(t)), slog.New(slog.DiscardHandler))
	for _, id := range []ID{"", "a b", "a\x00", "\xff", ID(strings.Repeat("x", 65))} {
		if err := r.Revoke(t.Context(), id); err != nil || r.Revoked(id) {
			t.Errorf("%q: %v", id, err)
		}
	}
	revoke(t, r, "never-given-out")
	var n int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM revoked_links`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestOldRevocationsAreForgotten(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO revoked_links (link_id, revoked_at)
		VALUES ('old', now() - interval '367 days 1 minute'), ('young', now() - interval '366 days 23 hours')`)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRevocations(pool, nil, slog.New(slog.DiscardHandler))
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.Revoked("old") || !r.Revoked("young") {
		t.Error("old is loaded or young is not")
	}
	r.forget(time.Now().Add(-retention))
	if !r.Revoked("young") {
		t.Error("young is forgotten")
	}
	r.forget(time.Now().Add(2*time.Hour - retention))
	if r.Revoked("young") {
		t.Error("young is not forgotten when it is old")
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	tl := tail{loaded: start}
	for i, step := range []struct {
		second     int
		high, mark int64
	}{
		{0, 0, 0},    // nothing there
		{100, 10, 0}, // the first rows
		{101, 11, 0},
		{160, 12, 10}, // what was there a minute ago is settled
		{161, 12, 10}, // 11 and 12 are read again
		{220, 13, 12},
		{221, 13, 12},
		{280, 13, 13},
		{281, 0, 13}, // nothing new
		{400, 0, 13},
		{401, 14, 13},
		{460, 14, 13},
		{520, 14, 14},
	} {
		if tl.read(step.high, at(step.second)); tl.mark != step.mark {
			t.Errorf("step %d: mark %d, want %d", i, tl.mark, step.mark)
		}
	}
	if tl.stale(at(3599)) || !tl.stale(at(3600)) || !(&tail{}).stale(start) {
		t.Error("everything is read again each hour, and at first")
	}
}

func TestRevokedWhileRevoking(t *testing.T) {
	t.Parallel()
	r := NewRevocations(nil, nil, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				r.Revoked("x")
				r.add("x", time.Now())
				r.forget(time.Time{})
			}
		})
	}
	wg.Wait()
	if !r.Revoked("x") {
		t.Error("x is not revoked")
	}
}

func BenchmarkRevoked(b *testing.B) {
	r := NewRevocations(nil, nil, nil)
	for range 10_000 {
		g, err := Spec{ExpiresIn: "1h"}.Grant(noon)
		if err != nil {
			b.Fatal(err)
		}
		r.add(g.ID, noon)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r.Revoked("AAAAAAAAAAAAAAAAAAAAAAAAAA") {
				b.Fail()
			}
		}
	})
}
