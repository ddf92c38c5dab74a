package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/singleflight"
)

//go:embed openapi.yaml
var openapiYAML []byte

// checkTime bounds the check of each store.
const checkTime = 2 * time.Second

// stateOK is the state of a store that answers.
const stateOK = "ok"

// Check is one store that /readyz asks.
type Check struct {
	Name      string
	Essential bool // without it the service is not ready; else it is degraded
	Ping      func(ctx context.Context) error
}

// healthz answers while the process lives.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err := io.WriteString(w, "ok\n")

	return err
}

// readyz reports which stores answer.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	states, ready := s.states(r.Context())
	if ready {
		return writeJSON(w, http.StatusOK, states)
	}
	w.Header().Set("Retry-After", retryAfter())
	return writeJSON(w, http.StatusServiceUnavailable, states)
}

// states asks all stores at once.
func (s *Server) states(ctx context.Context) (states map[string]string, ready bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()

	answers := make([]<-chan singleflight.Result, len(s.Checks))
	for i, c := range s.Checks {
		answers[i] = s.pings.DoChan(c.Name, func() (any, error) { return nil, s.ping(c) })
	}

	states, ready = map[string]string{}, true
	maps.Copy(states, s.Impaired)
	for i, c := range s.Checks {
		ok := false
		select {
		case answer := <-answers[i]:
			ok = answer.Err == nil
		case <-ctx.Done():
		}
		switch {
		case ok:
			states[c.Name] = stateOK
		case c.Essential:
			states[c.Name], ready = "unavailable", false
		default:
			states[c.Name] = "degraded"
		}
	}

	return states, ready
}

// ping asks one store. Requests that come meanwhile share its answer, so that a
// store that hangs holds one goroutine, not one a request.
func (s *Server) ping(c Check) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTime)
	defer cancel()

	err := c.Ping(ctx)
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "a store does not answer", slog.String("store", c.Name), slog.String("error", err.Error()))
	}

	return err
}

// exposition answers with the metrics.
func (s *Server) exposition(w http.ResponseWriter, r *http.Request) error {
	promhttp.HandlerFor(s.Gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).ServeHTTP(w, r)

	return nil
}

// openapi answers with the description of the API.
func (s *Server) openapi(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(openapiYAML)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(openapiYAML))

	return nil
}
