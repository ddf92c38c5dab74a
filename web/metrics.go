package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	sent     *prometheus.CounterVec
	inFlight prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)

	return &metrics{
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_http_requests_total", Help: "Requests by route, method and status.",
		}, []string{"route", "method", "status"}),
		duration: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlet_http_request_seconds", Help: "Time of a request, its body included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 12),
		}, []string{"route"}),
		sent: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_http_response_bytes_total", Help: "Bytes of the answers' bodies by route.",
		}, []string{"route"}),
		inFlight: factory.NewGauge(prometheus.GaugeOpts{
			Name: "inlet_http_in_flight", Help: "Requests being answered.",
		}),
	}
}

// methodOf is the method of a request, or "other": what a client invents must not
// become a label.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
		return r.Method
	}

	return "other"
}

// begin makes the series of a route. A series that appears with its first failure
// has no rate, and an alert misses it.
func (m *metrics) begin(route, method string) {
	m.requests.WithLabelValues(route, method, "200")
	m.requests.WithLabelValues(route, method, "500")
	m.duration.WithLabelValues(route)
	m.sent.WithLabelValues(route)
}

func (m *metrics) observe(route, method string, status int, sent int64, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
	m.sent.WithLabelValues(route).Add(float64(sent))
}

// storesUp asks the stores when it is scraped, as /readyz does.
type storesUp struct {
	s    *Server
	desc *prometheus.Desc
}

func newStoresUp(s *Server) storesUp {
	return storesUp{s, prometheus.NewDesc("inlet_store_up", "Whether a store answers.", []string{"store"}, nil)}
}

// Describe implements prometheus.Collector.
func (u storesUp) Describe(ch chan<- *prometheus.Desc) { ch <- u.desc }

// Collect implements prometheus.Collector.
func (u storesUp) Collect(ch chan<- prometheus.Metric) {
	states, _ := u.s.states(context.Background())
	for store, state := range states {
		up := 0.0
		if state == stateOK {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(u.desc, prometheus.GaugeValue, up, store)
	}
}
