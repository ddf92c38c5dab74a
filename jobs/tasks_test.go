package jobs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/embedded/redistest"
	"inlet/link"
)

// begin adds a session of an upload in pieces, and its first byte.
func (f *fixture) begin(id string, expires time.Time) {
	f.t.Helper()
	piece, err := f.pieces.NewUpload(f.t.Context(), handler.FileInfo{ID: id, Size: 9})
	must(f.t, err)
	_, err = piece.WriteChunk(f.t.Context(), 0, strings.NewReader("1"))
	must(f.t, err)
	f.exec(`INSERT INTO upload_sessions (id, stored_as, link_id, size, created_at, expires_at) VALUES ($1, $1, 'link', 9, $2, $2)`, id, expires)
}

// left tells whether the bytes of an upload in pieces are there.
func (f *fixture) left(id string) bool {
	_, err := os.Stat(filepath.Join(f.root, "tus", id))
	return err == nil
}

// Each task runs at the start of a process and does its work.
func TestEverythingRunsAtStart(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	at := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	f.Now = func() time.Time { return at }

	yesterday := time.Date(2031, 5, 5, 7, 8, 9, 0, time.UTC)
	old, fresh := f.keep("old", yesterday.Add(-time.Second)), f.keep("fresh", yesterday.Add(time.Second))
	f.inTx(func(ctx context.Context, tx pgx.Tx) error {
		var b pgx.Batch
		link.QueueUse(&b, link.Grant{ID: "expired", MaxFiles: 1, ExpiresAt: at.AddDate(0, 0, -8)}, 1)
		link.QueueUse(&b, link.Grant{ID: "good", MaxFiles: 1, ExpiresAt: at.AddDate(0, 0, 1)}, 1)
		link.QueueFirstUse(&b, link.Grant{ID: "expired", ExpiresAt: at.AddDate(-2, 0, 0)}, at)
		link.QueueFirstUse(&b, link.Grant{ID: "good", ExpiresAt: at.AddDate(0, 0, 1)}, at)
		return tx.SendBatch(ctx, &b).Close()
	})
	f.begin("abandoned", at.Add(-time.Second))
	f.begin("going-on", at.Add(time.Second))
	f.exec(`INSERT INTO outbox (created_at, event) VALUES (now() - interval '2 minutes', '{}')`)

	stop := f.start()
	f.ran("done", "sweep_contents", "make_partitions", "expire_links", "watch_outbox", "settle_recent", "sweep_sessions")
	stop()

	if f.has(old) || !f.has(fresh) {
		t.Errorf("unused contents: the old one is there: %v, the fresh one: %v", f.has(old), f.has(fresh))
	}
	for _, table := range []string{"links", "link_usage"} {
		if n := f.count(`SELECT count(*) FROM ` + table + ` WHERE link_id = 'expired'`); n != 0 {
			t.Errorf("%s still has the expired link", table)
		}
		if n := f.count(`SELECT count(*) FROM ` + table + ` WHERE link_id = 'good'`); n != 1 {
			t.Errorf("%s has lost the link that is good", table)
		}
	}
	if f.left("abandoned") || !f.left("going-on") || f.count(`SELECT count(*) FROM upload_sessions`) != 1 {
		t.Error("the sweep of uploads in pieces took the wrong one")
	}
	for _, want := range []string{
		`msg="unused contents removed" blobs=1`, `msg="rows of expired links removed" rows=2`,
		`the statistics are behind`, `msg="abandoned uploads in pieces removed" uploads=1`,
	} {
		if !f.log.contains(want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if f.log.contains("level=INFO msg=River") || f.log.contains("River client") {
		t.Error("the log has River's chatter")
	}
}

func TestPartitionsAreMade(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	f.Now = func() time.Time { return time.Date(2031, 12, 31, 0, 0, 0, 0, time.UTC) }
	f.start()
	f.eventually("the partition of February 2032", func() bool {
		return f.count(`SELECT count(*) FROM pg_class WHERE relname = 'uploads_2032_02'`) == 1
	})
}

// While Redis is away the log says that the counters fall behind; afterwards they
// catch up.
func TestLagOfTheOutbox(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Stop()
	f := setUp(t, config{redisURL: server.URL})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Stats.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})

	f.exec(`INSERT INTO outbox (created_at, event) VALUES (now() - interval '2 minutes', '{}')`)
	stop := f.start()
	f.eventually("the warning", func() bool { return f.log.contains("the statistics are behind: is Redis reachable?") })
	stop()
	server.Restart()
	f.eventually("the end of the lag", func() bool { return f.count(`SELECT count(*) FROM outbox`) == 0 })
}

// oldJob is a job of the release before.
type oldJob struct {
	First  string `json:"first,omitempty"`
	Second string `json:"second,omitempty"`
	kind   string
}

func (j oldJob) Kind() string { return j.kind }

// enqueueOld enqueues a job as a replica of the release before does.
func (f *fixture) enqueueOld(queue string, j oldJob) {
	f.t.Helper()
	client, err := river.NewClient(riverpgxv5.New(f.Pool), &river.Config{Logger: f.Log})
	must(f.t, err)
	_, err = client.Insert(f.t.Context(), j, &river.InsertOpts{Queue: queue})
	must(f.t, err)
}

// Replicas of the release before enqueue tasks while they are replaced.
func TestTasksOfTheReleaseBefore(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	for _, kind := range []string{"sweep_orphans", "settle_alike"} {
		f.enqueueOld(river.QueueDefault, oldJob{kind: kind})
	}
	f.start()
	for _, kind := range []string{"sweep_orphans", "settle_alike"} {
		f.eventually("the end of "+kind, func() bool { return f.jobs(kind, "completed") == 1 })
	}
	if got := f.sample("inlet_job_runs_total", "sweep_contents", "done"); got < 1 {
		t.Errorf("the run counts %v times under the new name", got)
	}
	if got := f.sample("inlet_job_runs_total", "sweep_orphans", "done"); got != -1 {
		t.Errorf("the run counts %v times under the old name", got)
	}
}
