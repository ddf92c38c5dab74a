package jobs_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/jobs"
)

// The queue is counted from the first, by kind and state.
func TestQueueIsCounted(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	w, err := jobs.New(f.Options)
	must(t, err)
	if got := f.sample("inlet_jobs", "merge", "available"); got != 0 {
		t.Errorf("before the first count: %v", got)
	}

	pairs := [][2]uuid.UUID{{uuid.New(), uuid.New()}, {uuid.New(), uuid.New()}}
	f.inTx(func(ctx context.Context, tx pgx.Tx) error { return f.enqueuer.Compare(ctx, tx, pairs) })
	f.exec(`UPDATE river_job SET scheduled_at = now() - interval '90 seconds' WHERE kind = 'merge'`)
	must(t, w.Count(t.Context()))
	if got := f.sample("inlet_jobs", "merge", "available"); got != 2 {
		t.Errorf("%v jobs wait, want 2", got)
	}
	if got := f.sample("inlet_job_oldest_seconds", "merge"); got < 90 || got > 900 {
		t.Errorf("the oldest has waited %v s, want 90", got)
	}

	// Jobs of the release before count under the name of today.
	f.enqueueOld("fold", oldJob{kind: "fold"})
	must(t, w.Count(t.Context()))
	if got := f.sample("inlet_jobs", "merge", "available"); got != 3 {
		t.Errorf("%v jobs wait, want 3", got)
	}

	f.exec(`DELETE FROM river_job`)
	must(t, w.Count(t.Context()))
	if got := f.sample("inlet_jobs", "merge", "available"); got != 0 {
		t.Errorf("%v jobs wait when there is none", got)
	}
}

// A failed job is counted, logged and tried again.
func TestFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	unused := f.keep("unused", time.Now().AddDate(0, 0, -2))
	must(t, f.blobs.Claim(t.Context(), "another installation"))
	f.start()
	f.ran("failed", "sweep_contents")
	f.eventually("the log line", func() bool { return f.log.contains(`msg="a background job failed" kind=sweep_contents attempt=1`) })
	if !f.log.contains("another installation") || !f.has(unused) {
		t.Error("the sweep of a foreign store did not fail")
	}

	must(t, os.Remove(filepath.Join(f.root, "owner")))
	f.ran("done", "sweep_contents")
	if f.has(unused) {
		t.Error("the second attempt has removed nothing")
	}
}

// A job that panics ends neither the process nor the other jobs, and is tried
// again.
func TestPanicIsSurvived(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	f.Links = nil // whoever uses them panics
	f.start()
	f.eventually("the log line", func() bool { return f.log.contains(`msg="a background job panicked" kind=expire_links`) })
	f.ran("failed", "expire_links")
	f.ran("done", "make_partitions", "watch_outbox", "settle_recent", "sweep_sessions", "sweep_contents")
	f.eventually("the second attempt", func() bool { return f.sample("inlet_job_runs_total", "expire_links", "failed") > 1 })
}

// listeners counts the sessions that wait for notifications.
func (f *fixture) listeners() int {
	return f.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen %'`)
}

// A pooler of connections gives no session to listen with.
func TestPollingTakesNoSession(t *testing.T) {
	t.Parallel()
	for name, poll := range map[string]bool{"listening": false, "polling": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t, config{})
			f.Poll = poll
			f.start()
			f.ran("done", "sweep_contents", "make_partitions", "expire_links", "watch_outbox", "settle_recent", "sweep_sessions")
			f.inTx(func(ctx context.Context, tx pgx.Tx) error {
				return f.enqueuer.Compare(ctx, tx, [][2]uuid.UUID{{uuid.New(), uuid.New()}})
			})
			f.ran("done", "merge")
			if poll && f.listeners() > 0 {
				t.Errorf("%d sessions listen", f.listeners())
			}
			if !poll {
				f.eventually("a session that listens", func() bool { return f.listeners() > 0 })
			}
		})
	}
}

// hold makes the task that makes partitions wait until release is called.
func (f *fixture) hold() (release func()) {
	f.t.Helper()
	conn, err := pgx.ConnectConfig(f.t.Context(), f.Pool.Config().ConnConfig)
	must(f.t, err)
	_, err = conn.Exec(f.t.Context(), `SELECT pg_advisory_lock(hashtext('inlet partitions'))`)
	must(f.t, err)

	return func() { must(f.t, conn.Close(context.Background())) }
}

// held waits until the task waits.
func (f *fixture) held() {
	f.t.Helper()
	f.eventually("the wait of the task", func() bool {
		return f.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`) > 0
	})
}

func TestStopLetsRunningJobsEnd(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	release := f.hold()
	w, err := jobs.New(f.Options)
	must(t, err)
	must(t, w.Start(context.Background()))
	f.held()

	stopped := make(chan error)
	go func() { stopped <- w.Stop(context.Background()) }()
	select {
	case err := <-stopped:
		t.Errorf("Stop did not wait for the job: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	release()
	must(t, <-stopped)
	if n := f.jobs("make_partitions", "completed"); n == 0 {
		t.Error("the job did not end")
	}
}

// Stop cancels what does not end in time. It runs again later.
func TestStopCancelsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	release := f.hold()
	w, err := jobs.New(f.Options)
	must(t, err)
	must(t, w.Start(context.Background()))
	f.held()
	const query = `SELECT count(*) FROM river_job WHERE id = $1 AND state = 'completed'`
	job := f.count(`SELECT min(id) FROM river_job WHERE kind = 'make_partitions' AND state = 'running'`)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	must(t, w.Stop(ctx))
	if f.count(query, job) != 0 {
		t.Error("the job ended while it was held")
	}

	release()
	f.Registerer = nil // the first workers have registered their metrics
	f.start()
	f.eventually("the run after the cancelled one", func() bool { return f.count(query, job) == 1 })
}

// A second Start enqueues the tasks again; one Stop ends it all.
func TestStartTwice(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	w, err := jobs.New(f.Options)
	must(t, err)
	for range 2 {
		must(t, w.Start(context.Background()))
	}
	f.eventually("both runs", func() bool { return f.jobs("make_partitions", "completed") >= 2 })
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	must(t, w.Stop(ctx))

	must(t, w.Start(context.Background()))
	f.eventually("the third run", func() bool { return f.jobs("make_partitions", "completed") >= 3 })
	must(t, w.Stop(ctx))
}
