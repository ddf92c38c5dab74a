package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"inlet/db/dbtest"
	"inlet/imaging/fingerprint"
	"inlet/jobs"
)

// parts stand for what the jobs look after, and say when they are called.
type parts struct {
	swept   chan time.Time
	expired chan time.Time
	cleared chan time.Time
	lag     time.Duration
	woken   chan struct{}
	settled chan struct{}
	folded  chan [2]uuid.UUID
	decoded chan uuid.UUID
	known   chan uuid.UUID
	givenUp chan uuid.UUID
	picture *fingerprint.Picture
	fail    error
}

func newParts() *parts {
	return &parts{
		swept: make(chan time.Time, 9), expired: make(chan time.Time, 9), cleared: make(chan time.Time, 9), woken: make(chan struct{}, 9),
		settled: make(chan struct{}, 99), folded: make(chan [2]uuid.UUID, 9),
		decoded: make(chan uuid.UUID, 9), known: make(chan uuid.UUID, 9), givenUp: make(chan uuid.UUID, 9),
	}
}

func (p *parts) SweepOrphans(_ context.Context, olderThan time.Time) (int, error) {
	p.swept <- olderThan
	return 3, p.fail
}

func (p *parts) Expire(_ context.Context, now time.Time) (int64, error) {
	p.expired <- now
	return 2, nil
}

func (p *parts) Sweep(_ context.Context, now time.Time) (int, error) {
	p.cleared <- now
	return 4, nil
}

func (p *parts) Settle(context.Context) error { p.settled <- struct{}{}; return nil }

func (p *parts) Fold(_ context.Context, a, b uuid.UUID) error {
	p.folded <- [2]uuid.UUID{a, b}
	return nil
}

func (p *parts) Decode(_ context.Context, id uuid.UUID) (*fingerprint.Picture, error) {
	p.decoded <- id
	return p.picture, p.fail
}

func (p *parts) FlagUndecodable(_ context.Context, id uuid.UUID) error {
	p.givenUp <- id
	return nil
}

func (p *parts) Decoded(_ context.Context, id uuid.UUID, _ *fingerprint.Picture) error {
	p.known <- id
	return nil
}

func (p *parts) Lag(context.Context) (time.Duration, error) { return p.lag, nil }
func (p *parts) Wake()                                      { p.woken <- struct{}{} }

// logged is a log that tests can read while it is written.
type logged struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(b)
}

func (l *logged) contains(s string) bool {
	l.Lock()
	defer l.Unlock()
	return strings.Contains(l.String(), s)
}

func receive[T any](t *testing.T, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not happen", what)
	}
	return v
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func start(t *testing.T, p *parts) (*prometheus.Registry, *logged, func()) {
	t.Helper()
	registry, log := prometheus.NewRegistry(), &logged{}
	now := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	w, err := jobs.New(jobs.Options{
		Pool: dbtest.Pool(t), Orphans: p, Lookalikes: p, Pictures: p, Links: p, Counters: p, Sessions: p,
		Log: slog.New(slog.NewTextHandler(log, nil)), Registerer: registry, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return registry, log, stop
}

func TestEverythingRunsAtStart(t *testing.T) {
	t.Parallel()
	p := newParts()
	p.lag = 2 * time.Minute
	registry, log, stop := start(t, p)
	if got, want := receive(t, p.swept, "the sweep"), time.Date(2031, 5, 5, 7, 8, 9, 0, time.UTC); !got.Equal(want) {
		t.Errorf("swept what is older than %v, want %v", got, want)
	}
	receive(t, p.expired, "the expiry of links")
	receive(t, p.woken, "the wake-up of the relay")
	receive(t, p.settled, "the look at pictures alike")
	receive(t, p.cleared, "the sweep of uploads in pieces")
	eventually(t, "the run of all six", func() bool {
		for _, kind := range []string{"sweep_orphans", "make_partitions", "expire_links", "watch_outbox", "settle_alike", "sweep_sessions"} {
			if sample(t, registry, "inlet_job_runs_total", kind, "done") == 0 {
				return false
			}
		}
		return true
	})
	stop()
	for _, want := range []string{"orphaned blobs removed", "rows of expired links removed", "the statistics are behind", "uploads that nobody goes on with"} {
		if !log.contains(want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if log.contains("level=INFO msg=River") || log.contains("River client") {
		t.Error("the log has River's chatter")
	}
}

func TestPartitionsAreMade(t *testing.T) {
	t.Parallel()
	p := newParts()
	pool := dbtest.Pool(t)
	w, err := jobs.New(jobs.Options{
		Pool: pool, Orphans: p, Lookalikes: p, Pictures: p, Links: p, Counters: p, Sessions: p, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Date(2031, 12, 31, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the partition of February 2032", func() bool {
		var there bool
		err := pool.QueryRow(t.Context(), `SELECT to_regclass('uploads_2032_02') IS NOT NULL`).Scan(&there)
		return err == nil && there
	})
	if err := w.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// sample is the value of a family's series with these values of its labels; -1
// if there is none.
func sample(t *testing.T, registry *prometheus.Registry, family string, values ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() { // sorted by name
				got = append(got, l.GetValue())
			}
			if f.GetName() == family && slices.Equal(got, values) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

// The queue is counted from the first, by kind and state.
func TestQueueIsCounted(t *testing.T) {
	t.Parallel()
	p, pool, registry := newParts(), dbtest.Pool(t), prometheus.NewRegistry()
	log := slog.New(slog.DiscardHandler)
	w, err := jobs.New(jobs.Options{
		Pool: pool, Orphans: p, Lookalikes: p, Pictures: p, Links: p, Counters: p, Log: log, Registerer: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := sample(t, registry, "inlet_jobs", "fold", "available"); got != 0 {
		t.Errorf("before the first look: %v", got)
	}
	enqueuer, err := jobs.NewEnqueuer(pool, log)
	if err != nil {
		t.Fatal(err)
	}
	pairs := [][2]uuid.UUID{{uuid.New(), uuid.New()}, {uuid.New(), uuid.New()}}
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return enqueuer.Fold(t.Context(), tx, pairs) }); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE river_job SET scheduled_at = now() - interval '90 seconds' WHERE kind = 'fold'`); err != nil {
		t.Fatal(err)
	}
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := sample(t, registry, "inlet_jobs", "fold", "available"); got != 2 {
		t.Errorf("%v jobs wait, want 2", got)
	}
	if got := sample(t, registry, "inlet_job_oldest_seconds", "fold"); got < 90 || got > 900 {
		t.Errorf("the oldest has waited %v s, want 90", got)
	}
	if _, err := pool.Exec(t.Context(), `DELETE FROM river_job`); err != nil {
		t.Fatal(err)
	}
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := sample(t, registry, "inlet_jobs", "fold", "available"); got != 0 {
		t.Errorf("%v jobs wait when there is none", got)
	}
}

func TestFailureIsCounted(t *testing.T) {
	t.Parallel()
	p := newParts()
	p.fail = errors.New("the disk is away")
	registry, log, _ := start(t, p)
	eventually(t, "the failure", func() bool { return sample(t, registry, "inlet_job_runs_total", "sweep_orphans", "failed") > 0 })
	eventually(t, "the log line", func() bool { return log.contains("the disk is away") })
}

func TestFoldsWhatIsEnqueued(t *testing.T) {
	t.Parallel()
	p, pool, log := newParts(), dbtest.Pool(t), slog.New(slog.DiscardHandler)
	w, err := jobs.New(jobs.Options{Pool: pool, Orphans: p, Lookalikes: p, Pictures: p, Links: p, Counters: p, Sessions: p, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	enqueuer, err := jobs.NewEnqueuer(pool, log)
	if err != nil {
		t.Fatal(err)
	}
	want := [2]uuid.UUID{uuid.New(), uuid.New()}
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		return enqueuer.Fold(t.Context(), tx, [][2]uuid.UUID{want})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, p.folded, "the comparison"); got != want {
		t.Errorf("compared %v, want %v", got, want)
	}
	if err := w.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}
