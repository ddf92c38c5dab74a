package jobs

import (
	"context"
	"fmt"
	"time"

	"inlet/catalog"

	"github.com/riverqueue/river"
)

const (
	// grace protects contents whose upload is not yet committed. A content and its
	// row are seconds apart.
	grace = 24 * time.Hour
	// lagging is how old an event may grow before the log warns of it.
	lagging = time.Minute
)

// task is a job that River enqueues once an interval.
type task struct {
	args  river.JobArgs
	every time.Duration
}

func tasks() []task {
	return []task{
		{sweepContents{}, 6 * time.Hour},
		{fillFeatures{}, time.Minute},
		{considerTraining{}, time.Minute},
		{reviveTraining{}, 10 * time.Second},
		{makePartitions{}, 12 * time.Hour},
		{expireLinks{}, time.Hour},
		{watchOutbox{}, time.Minute},
		{sweepSessions{}, time.Hour},
		{settleRecent{}, 2 * time.Second},
	}
}

// allArgs gives one job of each kind.
func allArgs() []river.JobArgs {
	all := []river.JobArgs{merge{}, decode{}, describe{}, train{}, predictAll{}}
	for _, task := range tasks() {
		all = append(all, task.args)
	}
	return all
}

type (
	sweepContents  struct{}
	makePartitions struct{}
	expireLinks    struct{}
	watchOutbox    struct{}
	settleRecent   struct{}
	sweepSessions  struct{}

	fillFeatures     struct{}
	considerTraining struct{}
	reviveTraining   struct{}
)

// A kind names jobs in the queue and in the metrics.

func (sweepContents) Kind() string  { return "sweep_contents" }
func (makePartitions) Kind() string { return "make_partitions" }
func (expireLinks) Kind() string    { return "expire_links" }
func (watchOutbox) Kind() string    { return "watch_outbox" }
func (settleRecent) Kind() string   { return "settle_recent" }
func (sweepSessions) Kind() string  { return "sweep_sessions" }

func (fillFeatures) Kind() string     { return "fill_features" }
func (considerTraining) Kind() string { return "consider_training" }
func (reviveTraining) Kind() string   { return "revive_training" }

// upkeepQueue holds the kinds that the release before does not know: its workers
// would fetch them from the default queue, and fail.
const upkeepQueue = "upkeep"

// InsertOpts implements river.JobArgsWithInsertOpts.
func (sweepContents) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: upkeepQueue} }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (settleRecent) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: upkeepQueue} }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (fillFeatures) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: learnQueue} }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (considerTraining) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: learnQueue} }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (reviveTraining) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: learnQueue} }

// Replicas of the release before enqueue jobs under the aliases while they are
// replaced.

func (sweepContents) KindAliases() []string { return []string{"sweep_orphans"} }
func (settleRecent) KindAliases() []string  { return []string{"settle_alike"} }

// workers lists what each kind of job does.
func (w *Workers) workers() *river.Workers {
	all := river.NewWorkers()
	add[sweepContents](all, time.Hour, w.sweepContents) // walks the whole store
	add[makePartitions](all, jobTime, w.makePartitions)
	add[expireLinks](all, jobTime, w.expireLinks)
	add[watchOutbox](all, jobTime, w.watchOutbox)
	add[settleRecent](all, jobTime, w.Uploads.Settle)
	add[sweepSessions](all, 10*time.Minute, w.sweepSessions)
	add[fillFeatures](all, 10*time.Minute, w.fillFeatures)
	add[considerTraining](all, jobTime, w.Registry.Consider)
	add[reviveTraining](all, jobTime, w.Registry.Revive)
	river.AddWorker(all, describeWorker{w: w})
	river.AddWorker(all, trainWorker{w: w})
	river.AddWorker(all, predictWorker{w: w})
	river.AddWorker(all, mergeWorker{w: w})
	river.AddWorker(all, decodeWorker{w: w})
	return all
}

// taskWorker runs a task within its time.
type taskWorker[A river.JobArgs] struct {
	river.WorkerDefaults[A]
	time time.Duration
	work func(context.Context) error
}

// Timeout implements river.Worker.
func (t taskWorker[A]) Timeout(*river.Job[A]) time.Duration { return t.time }

// Work implements river.Worker.
func (t taskWorker[A]) Work(ctx context.Context, _ *river.Job[A]) error { return t.work(ctx) }

func add[A river.JobArgs](all *river.Workers, within time.Duration, work func(context.Context) error) {
	river.AddWorker(all, taskWorker[A]{time: within, work: work})
}

// sweepContents removes contents that no picture has. A crash between a content and
// its row leaves one.
func (w *Workers) sweepContents(ctx context.Context) error {
	n, err := w.Vault.Sweep(ctx, w.Now().Add(-grace))
	if n > 0 {
		w.Log.InfoContext(ctx, "unused contents removed", "blobs", n)
	}
	return err
}

// sweepSessions removes uploads in pieces whose sender has given up.
func (w *Workers) sweepSessions(ctx context.Context) error {
	n, err := w.Resume.Sweep(ctx, w.Now())
	if n > 0 {
		w.Log.InfoContext(ctx, "abandoned uploads in pieces removed", "uploads", n)
	}
	return err
}

// makePartitions makes the partitions of the coming months.
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

// watchOutbox warns when the counters fall behind.
func (w *Workers) watchOutbox(ctx context.Context) error {
	lag, err := w.Stats.Lag(ctx)
	if err != nil {
		return fmt.Errorf("jobs: measure the lag of the outbox: %w", err)
	}

	if lag > lagging {
		w.Log.WarnContext(ctx, "the statistics are behind: is Redis reachable?", "lag", lag)
		w.Stats.Wake()
	}
	return nil
}
