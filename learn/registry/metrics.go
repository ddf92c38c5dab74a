package registry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inlet/learn"
)

type metrics struct {
	version, accuracy, macroF1, ece prometheus.Gauge
	nets                            prometheus.Gauge
	predictions                     prometheus.Counter
	predicting, training            prometheus.Counter
	trainings                       *prometheus.CounterVec
}

// Outcomes of a training, as metrics name them.
const (
	promoted    = "promoted"
	notPromoted = "not_promoted"
	tooFew      = "too_few"
	failed      = "failed"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	gauge := func(name, help string) prometheus.Gauge {
		return factory.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return factory.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}

	m := &metrics{
		nets: gauge("inlet_nets_available", "1 where this process computes features with its nets, 0 by hand only."),
		trainings: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_trainings_total", Help: "Trainings by this process, by their outcome.",
		}, []string{"outcome"}),
		version:     gauge("inlet_model_version", "Version of the model with which this process predicts; 0 without one."),
		accuracy:    gauge("inlet_model_accuracy", "Share of held-out pictures that the serving model labels right."),
		macroF1:     gauge("inlet_model_macro_f1", "Mean F1 of the serving model's labels on held-out pictures."),
		ece:         gauge("inlet_model_calibration_error", "Expected calibration error of the serving model on held-out pictures."),
		predictions: counter("inlet_predictions_total", "Pictures for which this process has predicted."),
		predicting:  counter("inlet_predicting_seconds_total", "Time that predictions took."),
		training:    counter("inlet_training_seconds_total", "Time that trainings took."),
	}
	for _, outcome := range []string{promoted, notPromoted, tooFew, failed} {
		m.trainings.WithLabelValues(outcome)
	}

	return m
}

func (m *metrics) serving(s *Serving) {
	var scores learn.Metrics
	m.version.Set(0)
	if s != nil {
		scores = s.Model.Metrics()
		m.version.Set(float64(s.Version))
	}
	m.accuracy.Set(scores.Accuracy)
	m.macroF1.Set(scores.MacroF1)
	m.ece.Set(scores.ECE)
}

func (m *metrics) predicted(n int, took time.Duration) {
	m.predictions.Add(float64(n))
	m.predicting.Add(took.Seconds())
}

func (m *metrics) trained(took time.Duration) { m.training.Add(took.Seconds()) }

func (m *metrics) ended(outcome string) { m.trainings.WithLabelValues(outcome).Inc() }
