package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/codes"
)

const (
	// lookEvery is how often the queue is looked at; a scrape reads what was
	// seen, however often it comes.
	lookEvery = 15 * time.Second
	lookTime  = 5 * time.Second
	// counted bounds what a look costs.
	counted = 100_000
)

type metrics struct {
	runs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	jobs    *prometheus.GaugeVec
	oldest  *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	m := &metrics{
		runs: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_job_runs_total", Help: "Runs of background jobs by kind and outcome.",
		}, []string{"kind", "outcome"}),
		seconds: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlet_job_seconds", Help: "Time of a run of a background job.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}, []string{"kind"}),
		jobs: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inlet_jobs", Help: "Background jobs of all processes that are not done, by kind and state, counted up to 100000 a state.",
		}, []string{"kind", "state"}),
		oldest: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inlet_job_oldest_seconds", Help: "How long the oldest job that may run has waited for it, of all processes.",
		}, []string{"kind"}),
	}
	for _, kind := range kinds() {
		m.runs.WithLabelValues(kind, "done")
		m.runs.WithLabelValues(kind, "failed")
		m.seconds.WithLabelValues(kind)
		m.oldest.WithLabelValues(kind)
		for _, state := range unfinished() {
			m.jobs.WithLabelValues(kind, string(state))
		}
	}
	return m
}

// kinds are those of all jobs.
func kinds() []string {
	all := []string{merge{}.Kind(), decode{}.Kind()}
	for _, task := range tasks() {
		all = append(all, task.args.Kind())
	}
	return all
}

// unfinished lists the states of jobs that somebody waits for, and of those that
// River gave up.
func unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStateRunning, rivertype.JobStateRetryable,
		rivertype.JobStateScheduled, rivertype.JobStateDiscarded,
	}
}

// run stands around every run of a job.
func (w *Workers) run(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	ctx, span := w.Tracer.Start(ctx, "job "+job.Kind)
	defer span.End()
	start := time.Now()
	err := work(ctx)
	outcome := "done"
	if err != nil {
		outcome = "failed"
		span.SetStatus(codes.Error, "")
	}
	w.metrics.runs.WithLabelValues(job.Kind, outcome).Inc()
	w.metrics.seconds.WithLabelValues(job.Kind).Observe(time.Since(start).Seconds())
	return err
}

// watchQueue looks at the queue until ctx ends.
func (w *Workers) watchQueue(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "the queue could not be looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Each state is one range of the index by which River fetches. Jobs that are
// done, which are nearly all, are not looked at.
const queueQuery = `
	SELECT kind, state, count(*)::float8,
		coalesce(extract(epoch FROM now() - min(scheduled_at)), 0)::float8
	FROM unnest($1::text[]::river_job_state[]) AS wanted(s),
		LATERAL (SELECT kind, state, scheduled_at FROM river_job WHERE state = wanted.s LIMIT $2) AS waiting
	GROUP BY kind, state`

// look sets the gauges of the queue.
func (w *Workers) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	rows, err := w.Pool.Query(ctx, queueQuery, unfinished(), counted)
	if err != nil {
		return fmt.Errorf("jobs: look at the queue: %w", err)
	}
	type group struct {
		Kind         string
		State        rivertype.JobState
		Count, Waits float64
	}
	groups, err := pgx.CollectRows(rows, pgx.RowToStructByPos[group])
	if err != nil {
		return fmt.Errorf("jobs: look at the queue: %w", err)
	}
	for _, kind := range kinds() {
		w.metrics.oldest.WithLabelValues(kind).Set(0)
		for _, state := range unfinished() {
			w.metrics.jobs.WithLabelValues(kind, string(state)).Set(0)
		}
	}
	for _, g := range groups {
		w.metrics.jobs.WithLabelValues(g.Kind, string(g.State)).Set(g.Count)
		if g.State == rivertype.JobStateAvailable {
			w.metrics.oldest.WithLabelValues(g.Kind).Set(max(0, g.Waits))
		}
	}
	return nil
}
