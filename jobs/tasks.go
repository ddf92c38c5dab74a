package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"inlet/db"
)

const (
	// grace keeps the sweep away from blobs whose upload is not yet committed. An
	// upload's blob and its row are seconds apart.
	grace = 24 * time.Hour
	// lagging is how old an event may grow before somebody should look.
	lagging = time.Minute
)

// tasks is the periodic work.
var tasks = []struct {
	args  river.JobArgs
	every time.Duration
}{
	{sweepOrphans{}, 6 * time.Hour},
	{makePartitions{}, 12 * time.Hour},
	{expireLinks{}, time.Hour},
	{watchOutbox{}, time.Minute},
	{sweepSessions{}, time.Hour},
	{settleAlike{}, 2 * time.Second},
}

type (
	sweepOrphans   struct{}
	makePartitions struct{}
	expireLinks    struct{}
	watchOutbox    struct{}
	settleAlike    struct{}
	sweepSessions  struct{}
)

// The kinds are stored with the jobs, and name them in the metrics.

func (sweepOrphans) Kind() string   { return "sweep_orphans" }
func (makePartitions) Kind() string { return "make_partitions" }
func (expireLinks) Kind() string    { return "expire_links" }
func (watchOutbox) Kind() string    { return "watch_outbox" }
func (settleAlike) Kind() string    { return "settle_alike" }
func (sweepSessions) Kind() string  { return "sweep_sessions" }

func (w *Workers) workers() *river.Workers {
	all := river.NewWorkers()
	add[sweepOrphans](all, w.sweepOrphans)
	add[makePartitions](all, w.makePartitions)
	add[expireLinks](all, w.expireLinks)
	add[watchOutbox](all, w.watchOutbox)
	add[settleAlike](all, w.settle)
	add[sweepSessions](all, w.sweepSessions)
	river.AddWorker(all, foldWorker{w: w})
	river.AddWorker(all, decodeWorker{w: w})
	return all
}

func add[A river.JobArgs](all *river.Workers, work func(context.Context) error) {
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, _ *river.Job[A]) error { return work(ctx) }))
}

// sweepOrphans removes blobs whose picture was deleted, or never committed, and
// whose removal a crash prevented.
func (w *Workers) sweepOrphans(ctx context.Context) error {
	n, err := w.Orphans.SweepOrphans(ctx, w.Now().Add(-grace))
	if n > 0 {
		w.Log.InfoContext(ctx, "orphaned blobs removed", "blobs", n)
	}
	return err
}

// sweepSessions removes uploads in pieces that nobody goes on with.
func (w *Workers) sweepSessions(ctx context.Context) error {
	n, err := w.Sessions.Sweep(ctx, w.Now())
	if n > 0 {
		w.Log.InfoContext(ctx, "uploads that nobody goes on with removed", "uploads", n)
	}
	return err
}

// makePartitions keeps partitions of uploads ahead of the calendar.
func (w *Workers) makePartitions(ctx context.Context) error {
	return db.EnsurePartitions(ctx, w.Pool, w.Now())
}

// expireLinks forgets links that expired long ago.
func (w *Workers) expireLinks(ctx context.Context) error {
	n, err := w.Links.Expire(ctx, w.Now())
	if n > 0 {
		w.Log.InfoContext(ctx, "rows of expired links removed", "rows", n)
	}
	return err
}

// watchOutbox says so when the counters stay behind. Applying the outbox is not
// its work: every process does that each second.
func (w *Workers) watchOutbox(ctx context.Context) error {
	lag, err := w.Counters.Lag(ctx)
	if err != nil {
		return fmt.Errorf("jobs: look at the outbox: %w", err)
	}
	if lag > lagging {
		w.Log.WarnContext(ctx, "the statistics are behind: is Redis reachable?", "lag", lag)
		w.Counters.Wake()
	}
	return nil
}
