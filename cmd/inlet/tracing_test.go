package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is a collector that keeps what it is sent.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	raw   strings.Builder
	spans []*spans.Span
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c := &receiver{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(body)
			if err != nil {
				t.Error(err)
				return
			}
			body = unzipped
		}
		raw, err := io.ReadAll(body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(raw, &sent)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(raw)
		for _, resource := range sent.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// path names a span by those it is in, the outermost first.
func (c *receiver) path(s *spans.Span) string {
	for _, parent := range c.spans {
		if string(parent.SpanId) == string(s.ParentSpanId) {
			return c.path(parent) + " > " + s.Name
		}
	}
	return s.Name
}

// An upload is one trace: the request, the file, its steps, and what they ask of
// the stores.
func TestTraces(t *testing.T) {
	t.Parallel()
	c := newReceiver(t)
	r := start(t, t.TempDir(), "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	link := r.link(t)
	r.ask(t, "POST", link, picture(t, 80), http.StatusCreated)
	r.ask(t, "GET", "/healthz", nil, http.StatusOK)
	ran := regexp.MustCompile(`inlet_job_runs_total\{[^}]*outcome="done"\} [1-9]`)
	eventually(t, "the run of a job", func() bool { return ran.Match(r.ask(t, "GET", "/metrics", nil, http.StatusOK)) })
	// A stop delivers what waits.
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	got, jobs := map[string]bool{}, 0
	for _, s := range c.spans {
		got[c.path(s)] = true
		if strings.HasPrefix(s.Name, "job ") {
			jobs++
		}
		if strings.Contains(s.Name, "/healthz") {
			t.Errorf("a probe is traced: %s", s.Name)
		}
	}
	file := "POST /u/:token > file"
	for _, want := range []string{
		"POST /v1/links", "POST /u/:token", file,
		file + " > receive", file + " > exact", file + " > wait", file + " > inspect", file + " > candidates",
		file + " > blob > blob keep", file + " > commit", file + " > commit > pool.acquire",
	} {
		if !got[want] {
			t.Errorf("no span %q", want)
		}
	}
	if jobs == 0 {
		t.Error("no span of a job")
	}
	if t.Failed() {
		t.Logf("spans: %v", got)
	}
	for what, secret := range map[string]string{"link": strings.TrimPrefix(link, "/u/"), "operator": r.token} {
		if strings.Contains(c.raw.String(), secret) {
			t.Errorf("the token of the %s was sent to the collector", what)
		}
	}
}

// A collector that is away holds nobody up.
func TestTracesWithoutCollector(t *testing.T) {
	t.Parallel()
	r := start(t, t.TempDir(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1")
	r.ask(t, "POST", r.link(t), picture(t, 5), http.StatusCreated)
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}
