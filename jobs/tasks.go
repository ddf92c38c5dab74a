package jobs

import (
	"context"
	"fmt"
	"time"

	"inlet/catalog"

	"github.com/riverqueue/river"
)

const (
	// grace keeps the sweep away from contents whose upload is not yet committed: the
	// content and the row are seconds apart.
	grace = 24 * time.Hour
	// lagging is how old an event may grow before somebody should look.
	lagging = time.Minute
)

// task is periodic work.
type task struct {
	args  river.JobArgs
	every time.Duration
}

func tasks() []task {
	return []task{
		{sweepContents{}, 6 * time.Hour},
		{makePartitions{}, 12 * time.Hour},
		{expireLinks{}, time.Hour},
		{watchOutbox{}, time.Minute},
		{sweepSessions{}, time.Hour},
		{settleRecent{}, 2 * time.Second},
	}
}

type (
	sweepContents  struct{}
	makePartitions struct{}
	expireLinks    struct{}
	watchOutbox    struct{}
	settleRecent   struct{}
	sweepSessions  struct{}
)

// The kinds name jobs in the queue and in the metrics. Jobs that the release before
// enqueued bear the aliases.

func (sweepContents) Kind() string  { return "sweep_contents" }
func (makePartitions) Kind() string { return "make_partitions" }
func (expireLinks) Kind() string    { return "expire_links" }
func (watchOutbox) Kind() string    { return "watch_outbox" }
func (settleRecent) Kind() string   { return "settle_recent" }
func (sweepSessions) Kind() string  { return "sweep_sessions" }

func (sweepContents) KindAliases() []string { return []string{"sweep_orphans"} }
func (settleRecent) KindAliases() []string  { return []string{"settle_alike"} }

func (w *Workers) workers() *river.Workers {
	all := river.NewWorkers()
	add[sweepContents](all, w.sweepContents)
	add[makePartitions](all, w.makePartitions)
	add[expireLinks](all, w.expireLinks)
	add[watchOutbox](all, w.watchOutbox)
	add[settleRecent](all, w.Uploads.Settle)
	add[sweepSessions](all, w.sweepSessions)
	river.AddWorker(all, mergeWorker{w: w})
	river.AddWorker(all, decodeWorker{w: w})
	return all
}

func add[A river.JobArgs](all *river.Workers, work func(context.Context) error) {
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, _ *river.Job[A]) error { return work(ctx) }))
}

// sweepContents removes contents whose picture was deleted, or never committed,
// and whose removal a crash prevented.
func (w *Workers) sweepContents(ctx context.Context) error {
	n, err := w.Vault.Sweep(ctx, w.Now().Add(-grace))
	if n > 0 {
		w.Log.InfoContext(ctx, "unused contents removed", "blobs", n)
	}
	return err
}

// sweepSessions removes uploads in pieces that nobody goes on with.
func (w *Workers) sweepSessions(ctx context.Context) error {
	n, err := w.Resume.Sweep(ctx, w.Now())
	if n > 0 {
		w.Log.InfoContext(ctx, "uploads that nobody goes on with removed", "uploads", n)
	}
	return err
}

// makePartitions keeps partitions of uploads ahead of the calendar.
func (w *Workers) makePartitions(ctx context.Context) error {
	return catalog.EnsurePartitions(ctx, w.Pool, w.Now())
}

// expireLinks forgets links that expired long ago.
func (w *Workers) expireLinks(ctx context.Context) error {
	n, err := w.Links.Expire(ctx, w.Now())
	if n > 0 {
		w.Log.InfoContext(ctx, "rows of expired links removed", "rows", n)
	}
	return err
}

// watchOutbox warns when the counters stay behind. Every process applies the
// outbox by itself, each second.
func (w *Workers) watchOutbox(ctx context.Context) error {
	lag, err := w.Stats.Lag(ctx)
	if err != nil {
		return fmt.Errorf("jobs: look at the outbox: %w", err)
	}
	if lag > lagging {
		w.Log.WarnContext(ctx, "the statistics are behind: is Redis reachable?", "lag", lag)
		w.Stats.Wake()
	}
	return nil
}
