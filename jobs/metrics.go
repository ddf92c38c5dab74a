package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/codes"
)

const (
	// countEvery is the interval between two counts of the queue. A scrape reads the
	// last count.
	countEvery = 15 * time.Second
	countTime  = 5 * time.Second
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

// kinds lists the kinds of all jobs.
func kinds() (all []string) {
	for _, args := range allArgs() {
		all = append(all, args.Kind())
	}
	return all
}

// kindOf gives the kind of a job that may bear an alias.
func kindOf(name string) string {
	for _, args := range allArgs() {
		if old, ok := args.(river.JobArgsWithKindAliases); ok && slices.Contains(old.KindAliases(), name) {
			return args.Kind()
		}
	}
	return name
}

// unfinished lists the states of jobs that will run, that run, and that River gave
// up.
func unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStateRunning, rivertype.JobStateRetryable,
		rivertype.JobStateScheduled, rivertype.JobStateDiscarded,
	}
}

// run traces and measures a run of a job.
func (w *Workers) run(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	ctx, span := w.Tracer.Start(ctx, "job "+job.Kind)
	defer span.End()

	start, kind, outcome := time.Now(), kindOf(job.Kind), "failed" // also where work panics
	defer func() {
		w.metrics.runs.WithLabelValues(kind, outcome).Inc()
		w.metrics.seconds.WithLabelValues(kind).Observe(time.Since(start).Seconds())
	}()
	if err := work(ctx); err != nil {
		span.SetStatus(codes.Error, "")
		return err
	}
	outcome = "done"
	return nil
}

// countQueue counts the queue until ctx ends.
func (w *Workers) countQueue(ctx context.Context) {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()

	for {
		if err := w.count(ctx); err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "the queue of jobs cannot be counted", "error", err)
		}

		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// count sets the gauges of the queue.
func (w *Workers) count(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	all, err := countJobs(ctx, w.Pool)
	if err != nil {
		return err
	}

	counts := map[series]Count{}
	for _, c := range all {
		counts[series{c.Kind, c.State}] = c
	}
	for _, kind := range kinds() {
		w.metrics.oldest.WithLabelValues(kind).Set(counts[series{kind, string(rivertype.JobStateAvailable)}].OldestS)
		for _, state := range unfinished() {
			w.metrics.jobs.WithLabelValues(kind, string(state)).Set(float64(counts[series{kind, string(state)}].Jobs))
		}
	}

	return nil
}
