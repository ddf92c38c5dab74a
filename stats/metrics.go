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
	return metrics{
		lag: factory.NewGauge(prometheus.GaugeOpts{
			Name: "inlet_stats_relay_lag_seconds",
			Help: "Age of the oldest event that Redis does not have.",
		}),
		rows: factory.NewGauge(prometheus.GaugeOpts{
			Name: "inlet_stats_outbox_rows",
			Help: "Events that wait in the outbox, counted up to 100000.",
		}),
		applied: factory.NewCounter(prometheus.CounterOpts{
			Name: "inlet_stats_events_applied_total",
			Help: "Events that this process applied to Redis.",
		}),
		rebuilds: factory.NewCounter(prometheus.CounterOpts{
			Name: "inlet_stats_rebuilds_total",
			Help: "Times that this process built the counters anew from Postgres.",
		}),
	}
}

// Lag is the age of the oldest event that Redis does not have.
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

// measure sets the gauges. What cannot be measured keeps its value: the relay
// will say that Postgres is away.
func (s *Service) measure(ctx context.Context) {
	lag, rows, err := s.waiting(ctx)
	if err != nil {
		return
	}
	s.metrics.lag.Set(lag.Seconds())
	s.metrics.rows.Set(float64(rows))
}
