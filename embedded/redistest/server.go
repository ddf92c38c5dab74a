package redistest

import (
	"net/url"
	"path/filepath"
	"testing"

	"inlet/embedded/child"
	"inlet/embedded/ramdir"
)

// Server is a Redis that a test may stop, restart and empty. A method that fails
// ends the test. One goroutine at a time may call them.
type Server struct {
	URL  string // unix:///path; restarts do not change it
	Addr string // the path of the socket
	Kind string // "redis-server" or "miniredis"

	t testing.TB
	backend
}

// backend is the difference between the two kinds.
type backend interface {
	run(addr string) error // with the saved keys, if any
	kill()
	save() error
	forget() error // makes the next run begin empty
	flush() error
}

func start(t testing.TB, kind string) *Server {
	t.Helper()
	s := &Server{t: t, Kind: kind}
	dir := ramdir.Temp(t)
	short, release, err := child.ShortPath(dir)
	s.must(err)
	t.Cleanup(release)

	s.Addr = filepath.Join(short, "redis.sock")
	s.URL = (&url.URL{Scheme: "unix", Path: s.Addr}).String()

	if kind == kindEmbedded {
		s.backend = newMini()
	} else {
		s.backend = &redisServer{dir: dir}
	}

	s.must(s.run(s.Addr))
	t.Cleanup(s.kill)
	return s
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("redistest: %s: %v", s.Kind, err)
	}
}

// Stop ends the server as a crash does: its connections break, and it refuses new
// ones.
func (s *Server) Stop() { s.kill() }

// Restart stops the server if it runs, and starts it empty at the same address.
func (s *Server) Restart() {
	s.t.Helper()
	s.kill()
	s.must(s.forget())
	s.must(s.run(s.Addr))
}

// Save saves the server's keys for RestartSaved.
func (s *Server) Save() {
	s.t.Helper()
	s.must(s.save())
}

// RestartSaved stops the server if it runs, and starts it at the same address
// with the keys of the last Save.
func (s *Server) RestartSaved() {
	s.t.Helper()
	s.kill()
	s.must(s.run(s.Addr))
}

// Flush removes all keys.
func (s *Server) Flush() {
	s.t.Helper()
	s.must(s.flush())
}
