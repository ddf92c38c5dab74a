package upload

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inlet/catalog"
	"inlet/imaging"
	"inlet/problem"
)

// steps lists the steps of the pipeline, as the metrics and the spans name them.
func steps() []string {
	return []string{"admit", "receive", "wait", "exact", "inspect", "candidates", "compare", "blob", "commit"}
}

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
			Help: "Bytes of stored files, which take space.",
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
	gauge("inlet_upload_processing", "Files that have arrived and have a slot.", s.slots.taken)
	gauge("inlet_upload_queued", "Files that have arrived and wait for a slot.", s.slots.queued)
	gauge("inlet_upload_slots", "Slots for files that have arrived.", most(s.Slots))
	gauge("inlet_upload_queue_limit", "Files that may wait for a slot; more are refused.", most(s.Queue))
	gauge("inlet_upload_inspecting", "Files under inspection.", s.inspections.taken)
	gauge("inlet_upload_inspecting_queued", "Files that wait for an inspection.", s.inspections.queued)
	gauge("inlet_upload_inspecting_slots", "Slots for inspections.", most(s.Inspections))
	gauge("inlet_upload_comparing", "Pairs of pictures under comparison.", s.comparisons.taken)
	gauge("inlet_upload_comparing_queued", "Pairs of pictures that wait for a comparison.", s.comparisons.queued)
	gauge("inlet_upload_comparing_slots", "Slots for comparisons.", most(comparisons(s.Inspections)))
	m.begin()

	return m
}

// begin makes every series there is: one that appears with its first event has
// no rate, and an alert would miss it.
func (m *metrics) begin() {
	for _, step := range steps() {
		m.steps.WithLabelValues(step)
	}
	for _, format := range imaging.Formats {
		m.files.WithLabelValues(string(Stored), "", string(format))
		for _, match := range []string{catalog.MatchExact, catalog.MatchPayload, catalog.MatchPerceptual} {
			m.files.WithLabelValues(string(Duplicate), match, string(format))
		}
	}
	m.files.WithLabelValues(string(Rejected), "", "")
	for _, code := range problem.Codes() {
		m.rejected.WithLabelValues(string(code))
	}
}
