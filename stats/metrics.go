package stats

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	lag, rows         prometheus.Gauge
	applied, rebuilds prometheus.Counter
}

func newMetrics(r prometheus.Registerer) metrics {
	factory := promauto.With(r)
	gauge := func(name, help string) prometheus.Gauge {
		return factory.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return factory.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}

	return metrics{
		lag:      gauge("inlet_stats_relay_lag_seconds", "Age of the oldest event that Redis does not have."),
		rows:     gauge("inlet_stats_outbox_rows", "Events that wait in the outbox, counted up to 100000."),
		applied:  counter("inlet_stats_events_applied_total", "Events that this process applied to Redis."),
		rebuilds: counter("inlet_stats_rebuilds_total", "Times that this process built the counters anew from Postgres."),
	}
}

// Lag is the age of the oldest event that Redis does not have; 0 if it has all.
func (s *Service) Lag(ctx context.Context) (time.Duration, error) {
	lag, _, err := s.waiting(ctx)
	return lag, err
}

func (s *Service) waiting(ctx context.Context) (lag time.Duration, rows int64, err error) {
	var seconds float64
	err = s.pool.QueryRow(ctx, `
		SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT created_at FROM outbox ORDER BY id LIMIT 1)), 0)::float8,
			(SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS head)`).Scan(&seconds, &rows)
	return time.Duration(seconds * float64(time.Second)), rows, err
}

// measure sets the gauges. During an outage of Postgres, which the relay logs, they
// keep their values.
func (s *Service) measure(ctx context.Context) {
	if lag, rows, err := s.waiting(ctx); err == nil {
		s.metrics.lag.Set(lag.Seconds())
		s.metrics.rows.Set(float64(rows))
	}
}
