package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	if a := s.send("GET", "/healthz", nil); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	ready := func() string {
		a := s.send("GET", "/readyz", nil)
		return strings.TrimSpace(a.Status + " " + string(a.body))
	}
	if got := ready(); got != `200 OK {"blob":"ok","postgres":"ok","redis":"ok"}` {
		t.Errorf("got %s", got)
	}
	s.redis.Stop()
	if got := ready(); got != `200 OK {"blob":"ok","postgres":"ok","redis":"degraded"}` {
		t.Errorf("without Redis: %s", got)
	}
	s.redis.Restart()
}

// TestReadinessOfHungStores: one that never answers is away, and is not asked
// again while it has not answered.
func TestReadinessOfHungStores(t *testing.T) {
	t.Parallel()
	asked, let := make(chan struct{}, 10), make(chan struct{})
	hangs := func(context.Context) error { asked <- struct{}{}; <-let; return nil }
	fails := func(context.Context) error { return errors.New("inner detail") }
	s := newTestServer(t, func(o *setup) {
		o.web.Checks = []Check{{"postgres", true, hangs}, {"redis", false, hangs}, {"blob", true, fails}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan *httptest.ResponseRecorder)
	for range 2 {
		go func() {
			rec := httptest.NewRecorder()
			s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil).WithContext(ctx))
			answered <- rec
		}()
	}
	<-asked
	<-asked
	cancel() // as the end of its time would
	for range 2 {
		rec := <-answered
		want := `{"blob":"unavailable","postgres":"unavailable","redis":"degraded"}`
		if rec.Code != 503 || rec.Header().Get("Retry-After") == "" || strings.TrimSpace(rec.Body.String()) != want {
			t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
		}
	}
	close(let)
	if len(asked) > 0 {
		t.Errorf("a store that hangs was asked again")
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	s.postRaw(s.makeLink("").URL, "a.png", pngOf(1))
	s.send("BREW", "/coffee", nil)
	text := string(s.send("GET", "/metrics", nil).body)
	for _, line := range []string{
		`inlet_http_requests_total{method="POST",route="/u/:token",status="201"} 1`,
		`inlet_http_requests_total{method="other",route="none",status="404"} 1`,
		`inlet_upload_files_total{format="png",match="",status="stored"} 1`,
		`inlet_http_in_flight 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	a := s.send("GET", "/openapi.yaml", nil)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(string(a.body), "openapi: 3") {
		t.Errorf("%d %.100s", a.StatusCode, a.body)
	}
	again := s.send("GET", "/openapi.yaml", nil, "If-None-Match", a.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %d", again.StatusCode)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PATCH", "/v1/links", 405, "GET, OPTIONS, POST"},
		{"POST", "/healthz", 405, "GET, HEAD, OPTIONS"},
		{"GET", "/u/x/check", 405, "OPTIONS, POST"},
		{"OPTIONS", "/u/x", 204, "GET, HEAD, OPTIONS, POST"},
		{"OPTIONS", "/nowhere", 404, ""},
		{"HEAD", "/healthz", 200, ""},
		{"HEAD", "/readyz", 200, ""},
		{"HEAD", "/openapi.yaml", 200, ""},
		{"HEAD", "/nowhere", 404, ""},
		{"GET", "/healthz/", 404, ""},
		{"GET", "/v1//links", 404, ""},
	} {
		a := s.send(test.method, test.path, nil)
		if a.StatusCode != test.status || a.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: %d, Allow %q", test.method, test.path, a.StatusCode, a.Header.Get("Allow"))
		}
		if a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no X-Request-Id", test.method, test.path)
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	s := &Server{Options: Options{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	}}}
	for _, test := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.7", "192.0.2.1"}, // not from a proxy
		{"10.1.1.1:5", "198.51.100.7", "198.51.100.7"},
		{"[::ffff:10.1.1.1]:5", "198.51.100.7", "198.51.100.7"},
		{"10.1.1.1:5", "1.1.1.1, 198.51.100.7, 10.2.2.2", "198.51.100.7"},
		{"10.1.1.1:5", "nonsense", "10.1.1.1"},
		{"10.1.1.1:5", "", "10.1.1.1"},
		{"[::1]:5", "2001:db8::1", "2001:db8::1"},
		{"[fe80::1%eth0]:5", "", "fe80::1"},
		{"@", "", "::"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = test.remote
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := s.client(r).String(); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}

// A process that only runs jobs takes nothing in and gives nothing out.
func TestOperationsOnly(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, func(o *setup) { o.web.OperationsOnly = true })
	for path, want := range map[string]int{
		"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/metrics": http.StatusOK, "/openapi.yaml": http.StatusOK,
		"/v1/stats": http.StatusNotFound, "/u/x": http.StatusNotFound, "/v1/images/x": http.StatusNotFound,
	} {
		res, err := http.Get(s.URL + path)
		must(t, err)
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, res.Status, want)
		}
	}
}
