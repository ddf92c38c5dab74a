package upload

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inlet/imaging"
	"inlet/problem"
)

// steps are those of the pipeline, as the metrics and the spans name them.
var steps = []string{"admit", "receive", "exact", "wait", "inspect", "looks", "compare", "blob", "commit"}

type metrics struct {
	files         *prometheus.CounterVec
	bytes, stored prometheus.Counter
	steps         *prometheus.HistogramVec
	rejected      *prometheus.CounterVec
}

func newMetrics(s *Service) *metrics {
	factory := promauto.With(s.Registerer)
	m := &metrics{
		files: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_upload_files_total",
			Help: "Files by outcome, kind of match and format.",
		}, []string{"status", "match", "format"}),
		bytes: factory.NewCounter(prometheus.CounterOpts{
			Name: "inlet_upload_bytes_total",
			Help: "Bytes of files received, refused ones included.",
		}),
		stored: factory.NewCounter(prometheus.CounterOpts{
			Name: "inlet_upload_stored_bytes_total",
			Help: "Bytes of files that were stored, and so take room.",
		}),
		steps: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "inlet_upload_step_seconds",
			Help:    "Time of each step of the upload pipeline.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"step"}),
		rejected: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_upload_rejected_total",
			Help: "Refused files by the code that the sender was told.",
		}, []string{"code"}),
	}
	gauge := func(name, help string, value func() int) {
		factory.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	most := func(n int) func() int { return func() int { return n } }
	gauge("inlet_upload_processing", "Files that have arrived and are worked on.", s.places.taken)
	gauge("inlet_upload_queued", "Files that have arrived and wait to be worked on.", s.places.queued)
	gauge("inlet_upload_places", "Files that may be worked on at once.", most(s.Places))
	gauge("inlet_upload_queue_limit", "Files that may wait to be worked on; more are refused.", most(s.Queue))
	gauge("inlet_upload_inspecting", "Files that are looked into.", s.inspections.taken)
	gauge("inlet_upload_inspecting_queued", "Files that wait to be looked into.", s.inspections.queued)
	gauge("inlet_upload_inspecting_places", "Files that may be looked into at once.", most(s.Inspections))
	gauge("inlet_upload_comparing", "Pairs of pictures that are compared.", s.comparisons.taken)
	gauge("inlet_upload_comparing_queued", "Pairs of pictures that wait to be compared.", s.comparisons.queued)
	gauge("inlet_upload_comparing_places", "Pairs of pictures that may be compared at once.", most(comparisons(s.Inspections)))
	m.begin()
	return m
}

// begin makes every series there is: one that appears with its first event has
// no rate, and an alert would miss it.
func (m *metrics) begin() {
	for _, step := range steps {
		m.steps.WithLabelValues(step)
	}
	for _, format := range imaging.Formats {
		m.files.WithLabelValues(string(Stored), "", string(format))
		for _, match := range []string{MatchExact, MatchPayload, MatchPerceptual} {
			m.files.WithLabelValues(string(Duplicate), match, string(format))
		}
	}
	m.files.WithLabelValues(string(Rejected), "", "")
	for _, code := range problem.Codes() {
		m.rejected.WithLabelValues(string(code))
	}
}
