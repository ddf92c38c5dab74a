package redistest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"testing"

	"inlet/embedded/child"
)

// Server is a Redis that a test may ill-treat. A method that cannot do what it
// says ends the test. They may not be called by two goroutines at once.
type Server struct {
	URL  string // the same over all restarts
	Addr string
	Kind string // "redis-server" or "miniredis"

	t testing.TB
	backend
}

// backend is what the two kinds do differently.
type backend interface {
	run(addr string) error // with what it held when it was saved, or empty
	kill()
	save() error
	forget() error // the next run begins empty
	flush() error
}

func start(t testing.TB, kind string) *Server {
	t.Helper()
	s := &Server{t: t, Kind: kind}
	if kind == kindEmbedded {
		s.backend = newMini()
	} else {
		s.backend = &redisServer{dir: t.TempDir()}
	}
	var err error
	s.Addr, err = atFreeAddr(t, s.run)
	s.must(err)
	s.URL = "redis://" + s.Addr
	t.Cleanup(s.kill)
	return s
}

// atFreeAddr runs a server at an address that nobody uses. Another process may
// take it before the server does: then the next one is tried.
func atFreeAddr(t testing.TB, run func(addr string) error) (addr string, err error) {
	for range 10 {
		addr = freeAddr(t)
		if err = run(addr); err == nil {
			return addr, nil
		}
	}
	return "", err
}

func freeAddr(t testing.TB) string {
	t.Helper()
	port, err := child.FreePort(t.Context())
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	return net.JoinHostPort(host(), strconv.Itoa(port))
}

// host is a loopback address of the test's own, where a system has more than
// one: while a server is stopped nobody else's connection can take its port.
func host() string {
	if runtime.GOOS != "linux" {
		return "127.0.0.1"
	}
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("redistest: %s: %v", s.Kind, err)
	}
}

// Stop ends the server as a crash would: connections break, and new ones are
// refused.
func (s *Server) Stop() { s.kill() }

// Restart stops the server if it runs and starts it at the same address, empty.
func (s *Server) Restart() {
	s.t.Helper()
	s.kill()
	s.must(s.forget())
	s.must(s.run(s.Addr))
}

// Save keeps what the server holds now for RestartSaved.
func (s *Server) Save() {
	s.t.Helper()
	s.must(s.save())
}

// RestartSaved stops the server if it runs and starts it at the same address
// with what it held at the last Save: what came later is lost.
func (s *Server) RestartSaved() {
	s.t.Helper()
	s.kill()
	s.must(s.run(s.Addr))
}

// Flush removes all that the server holds.
func (s *Server) Flush() {
	s.t.Helper()
	s.must(s.flush())
}
