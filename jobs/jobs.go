// Package jobs owns what runs beside the requests: River's client, its workers
// and the periodic work that keeps the stores tidy.
//
// It promises that periodic work runs once an interval while any worker lives,
// and once more at the start of each process; and that every job can run again,
// or twice at once, without harm.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"inlet/catalog"
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
)

// Options of the workers. All fields without a stated default are required.
type Options struct {
	Pool    *pgxpool.Pool
	Vault   *vault.Vault
	Catalog *catalog.Service
	Uploads *upload.Service
	Links   *link.Store
	Stats   *stats.Service
	Resume  *resume.Service
	Log     *slog.Logger
	// Poll looks for jobs once a second instead of listening, which needs a session
	// of the database.
	Poll       bool
	Registerer prometheus.Registerer // nil: metrics are not exported
	Tracer     trace.Tracer          // nil: runs are not traced
	Now        func() time.Time      // nil: time.Now
}

// Workers run the jobs of this process.
type Workers struct {
	Options
	river   *river.Client[pgx.Tx]
	metrics *metrics
	watch   sync.WaitGroup // of the queue
	unwatch func()
}

// New makes the workers; Start starts them.
func New(o Options) (*Workers, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	w := &Workers{Options: o, metrics: newMetrics(o.Registerer), unwatch: func() {}}
	var periodic []*river.PeriodicJob
	for _, task := range tasks() {
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(task.every),
			func() (river.JobArgs, *river.InsertOpts) { return task.args, nil }, nil))
	}
	client, err := river.NewClient(riverpgxv5.New(o.Pool), &river.Config{
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 2}, mergeQueue: {MaxWorkers: 1}, foldQueue: {MaxWorkers: 1}, decodeQueue: {MaxWorkers: 1},
		},
		Workers:      w.workers(),
		PollOnly:     o.Poll,
		PeriodicJobs: periodic,
		// Only the sweep of contents may take long: it looks at every blob.
		JobTimeout: time.Hour,
		// Some run every few seconds, and nobody asks about them afterwards.
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

// Start begins to work, with each periodic task once at once: what a crash left
// should not wait for the next interval. It returns when the tasks are enqueued;
// Stop ends the work.
func (w *Workers) Start(ctx context.Context) error {
	if err := w.river.Start(ctx); err != nil {
		return fmt.Errorf("jobs: start: %w", err)
	}
	for _, task := range tasks() {
		if _, err := w.river.Insert(ctx, task.args, nil); err != nil {
			return fmt.Errorf("jobs: enqueue %s: %w", task.args.Kind(), err)
		}
	}
	ctx, w.unwatch = context.WithCancel(context.WithoutCancel(ctx))
	w.watch.Go(func() { w.watchQueue(ctx) })
	return nil
}

// Stop lets running jobs end. When ctx is done first it cancels them; they run
// again later.
func (w *Workers) Stop(ctx context.Context) error {
	w.unwatch()
	w.watch.Wait()
	err := w.river.Stop(ctx)
	if err == nil || ctx.Err() == nil {
		return err
	}
	cancelCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return w.river.StopAndCancel(cancelCtx)
}

// failures logs failed runs. River tries them again, later and later.
type failures struct{ log *slog.Logger }

func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.WarnContext(ctx, "a background job failed", "kind", job.Kind, "attempt", job.Attempt, "error", err)
	return nil
}

func (f failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, panicked any, trace string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "a background job panicked", "kind", job.Kind, "panic", panicked, "trace", trace)
	return nil
}

// quiet drops River's chatter, which interests its developers.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }
func (q quiet) WithGroup(name string) slog.Handler       { return quiet{q.Handler.WithGroup(name)} }
