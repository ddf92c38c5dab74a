package upload

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	files *prometheus.CounterVec
	bytes prometheus.Counter
	steps *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, p *places) *metrics {
	m := &metrics{
		files: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_upload_files_total",
			Help: "Files by outcome, kind of match and format.",
		}, []string{"status", "match", "format"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlet_upload_bytes_total",
			Help: "Bytes of files received, refused ones included.",
		}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "inlet_upload_step_seconds",
			Help:    "Time of each step of the upload pipeline.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"step"}),
	}
	if reg != nil {
		reg.MustRegister(m.files, m.bytes, m.steps,
			gauge("inlet_upload_processing", "Files that have arrived and are worked on.", func() float64 { return float64(p.taken()) }),
			gauge("inlet_upload_queued", "Files that have arrived and wait to be worked on.", func() float64 { return float64(p.queued()) }))
	}
	return m
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

func (m *metrics) count(r Result) {
	m.files.WithLabelValues(string(r.Status), r.Match, r.Format).Inc()
}
