// Package redistest gives every test a Redis of its own, empty and on a Unix
// socket: a Miniredis and, where it is installed, a real redis-server. It stores
// nothing beyond the test and never uses the machine's own Redis.
package redistest

import (
	"os/exec"
	"testing"
)

const (
	kindServer   = "redis-server"
	kindEmbedded = "miniredis"
)

// Each runs fn as a subtest on each available kind of Redis.
func Each(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	EachServer(t, func(t *testing.T, s *Server) { fn(t, s.URL) })
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

// URL returns the address of an empty Redis, a real one if it is installed.
func URL(t testing.TB) string {
	t.Helper()
	return Start(t).URL
}

// Start starts an empty Redis, a real one if it is installed, which ends with the
// test.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t, kinds()[0])
}

func kinds() []string {
	if _, err := exec.LookPath(kindServer); err == nil {
		return []string{kindServer, kindEmbedded}
	}
	return []string{kindEmbedded}
}
