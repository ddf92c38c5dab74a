package jobs

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river/rivertype"
)

type metrics struct {
	runs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_job_runs_total", Help: "Runs of background jobs by kind and outcome.",
		}, []string{"kind", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlet_job_seconds", Help: "Time of a run of a background job.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}, []string{"kind"}),
	}
	if reg != nil {
		reg.MustRegister(m.runs, m.seconds)
	}
	return m
}

// measure stands around every run.
func (m *metrics) measure(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	start := time.Now()
	err := work(ctx)
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.runs.WithLabelValues(job.Kind, outcome).Inc()
	m.seconds.WithLabelValues(job.Kind).Observe(time.Since(start).Seconds())
	return err
}
