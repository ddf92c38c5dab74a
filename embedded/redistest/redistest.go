// Package redistest gives tests a Redis of their own: the embedded one, and a
// real redis-server where one is installed. Nothing is kept, and the machine's
// own Redis is never used.
package redistest

import (
	"os/exec"
	"testing"
)

// Each runs fn as a subtest on each kind of Redis that there is.
func Each(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, start(t, kind).URL)
		})
	}
}

// EachServer is Each for tests that need the server itself.
func EachServer(t *testing.T, fn func(t *testing.T, s *Server)) {
	t.Helper()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, start(t, kind))
		})
	}
}

// URL is that of an empty Redis: a real one if there is one.
func URL(t testing.TB) string {
	t.Helper()
	return Start(t).URL
}

// Start starts an empty Redis that ends with the test: a real one if there is
// one.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t, kinds()[0])
}

const (
	kindServer   = "redis-server"
	kindEmbedded = "miniredis"
)

func kinds() []string {
	if _, err := exec.LookPath(kindServer); err == nil {
		return []string{kindServer, kindEmbedded}
	}
	return []string{kindEmbedded}
}
