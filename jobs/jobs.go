// Package jobs owns the work beside the requests: River's client, its workers and
// the periodic tasks that keep the stores tidy.
//
// It promises that each periodic task runs once an interval while any process runs
// workers, and once more at the start of each process. It promises that every job
// may run again, or twice at once, without harm.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"inlet/catalog"
	"inlet/learn/registry"
	"inlet/link"
	"inlet/resume"
	"inlet/stats"
	"inlet/upload"
	"inlet/vault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/sync/semaphore"
)

// Options of the workers. All fields without a stated default are required.
type Options struct {
	Pool     *pgxpool.Pool
	Vault    *vault.Vault
	Catalog  *catalog.Service
	Uploads  *upload.Service
	Links    *link.Store
	Stats    *stats.Service
	Resume   *resume.Service
	Registry *registry.Service
	Log      *slog.Logger
	// Computing is how many pictures' features are made at once (default: one).
	Computing int
	// Poll asks for jobs once a second instead of listening. To listen takes a session
	// of the database, which a pooler does not give.
	Poll       bool
	Registerer prometheus.Registerer // nil: metrics are not exported
	Tracer     trace.Tracer          // nil: runs are not traced
	Now        func() time.Time      // nil: time.Now
}

// jobTime bounds a job that names no time of its own.
const jobTime = time.Minute

// Workers run the jobs of this process.
type Workers struct {
	Options
	river     *river.Client[pgx.Tx]
	metrics   *metrics
	computing *semaphore.Weighted // jobs that take a processor
	// The goroutine that counts the queue: counting waits for it, endCount ends it.
	counting sync.WaitGroup
	endCount func()
}

// New makes the workers; Start starts them.
func New(o Options) (*Workers, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}

	if o.Computing == 0 {
		o.Computing = 1
	}

	w := &Workers{
		Options: o, metrics: newMetrics(o.Registerer), computing: semaphore.NewWeighted(int64(o.Computing)), endCount: func() {},
	}

	var periodic []*river.PeriodicJob
	for _, task := range tasks() {
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(task.every),
			func() (river.JobArgs, *river.InsertOpts) { return task.args, nil }, nil))
	}

	client, err := river.NewClient(riverpgxv5.New(o.Pool), &river.Config{
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 2},
			mergeQueue:         {MaxWorkers: 1},
			foldQueue:          {MaxWorkers: 1},
			upkeepQueue:        {MaxWorkers: 2},
			decodeQueue:        {MaxWorkers: 1},
			featuresQueue:      {MaxWorkers: 4 * o.Computing}, // River fetches ten times a second at most
			trainQueue:         {MaxWorkers: 2},
			learnQueue:         {MaxWorkers: 1},
		},
		Workers:      w.workers(),
		PollOnly:     o.Poll,
		PeriodicJobs: periodic,
		// A job of a process that died runs again once its time is over: so most
		// have little.
		JobTimeout:           jobTime,
		RescueStuckJobsAfter: jobTime,
		// Some tasks run every few seconds, and nobody asks about them afterwards.
		CompletedJobRetentionPeriod: time.Hour,
		Logger:                      slog.New(quiet{o.Log.Handler()}),
		ErrorHandler:                failures{o.Log},
		Middleware:                  []rivertype.Middleware{river.WorkerMiddlewareFunc(w.run)},
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	w.river = client
	return w, nil
}

// Start begins to work and enqueues each periodic task at once: the debris of a
// crash does not wait for the next interval. Stop ends the work.
func (w *Workers) Start(ctx context.Context) error {
	if err := w.river.Start(ctx); err != nil {
		return fmt.Errorf("jobs: start: %w", err)
	}

	for _, task := range tasks() {
		if _, err := w.river.Insert(ctx, task.args, nil); err != nil {
			return fmt.Errorf("jobs: enqueue %s: %w", task.args.Kind(), err)
		}
	}

	w.endCount() // of an earlier Start
	ctx, w.endCount = context.WithCancel(context.WithoutCancel(ctx))
	w.counting.Go(func() { w.countQueue(ctx) })
	return nil
}

// Stop lets running jobs end. Where ctx ends first, Stop cancels them, and River
// runs them again later.
func (w *Workers) Stop(ctx context.Context) error {
	w.endCount()
	w.counting.Wait()

	err := w.river.Stop(ctx)
	if err == nil || ctx.Err() == nil {
		return err
	}

	cancelCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return w.river.StopAndCancel(cancelCtx)
}

// failures logs failed runs. River tries a failed job again, later each time.
type failures struct{ log *slog.Logger }

func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.WarnContext(ctx, "a background job failed", "kind", job.Kind, "attempt", job.Attempt, "error", err)
	return nil
}

func (f failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, panicked any, trace string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "a background job panicked", "kind", job.Kind, "panic", panicked, "trace", trace)
	return nil
}

// quiet drops River's messages below warnings.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }
func (q quiet) WithGroup(name string) slog.Handler       { return quiet{q.Handler.WithGroup(name)} }
