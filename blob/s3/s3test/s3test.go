// Package s3test runs a real server of the S3 protocol for tests: versitygw, on
// a folder of the test's own. Inlet does not depend on the server: Program builds
// it once, from its own module at a pinned version, into the user's cache.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"inlet/blob/s3"
	"inlet/embedded/child"
)

const (
	// limit bounds a test's wait for the server.
	limit = 30 * time.Second
	// prefix begins the buckets' names.
	prefix = "test-"
	// required names the variable that forbids to skip the tests.
	required = "INLET_TEST_S3"
)

// Server is a server that a test may kill and suspend. A method that fails ends
// the test.
type Server struct {
	Endpoint       string // restarts do not change it
	Access, Secret string

	t       testing.TB
	program string
	dir     string
	process *child.Process
}

// Start starts a server that ends with the test. Where the server cannot be built
// it skips the test, or fails it if INLET_TEST_S3=required.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := Program(t.Context())
	switch {
	case err != nil && os.Getenv(required) == "required":
		t.Fatalf("s3test: %v", err)
	case err != nil:
		t.Skipf("no S3 server to test with: %v", err)
	}

	s := &Server{t: t, program: program, dir: t.TempDir(), Access: "inlet", Secret: rand.Text()}
	t.Cleanup(s.Kill)

	for range 10 { // another process may take the port first
		s.Endpoint = "http://" + s.freeAddr()
		if err = s.run(); err == nil {
			return s
		}
	}
	s.must(err)
	return nil
}

// freeAddr returns an address that nobody uses right now: the server cannot let
// the kernel choose its port.
func (s *Server) freeAddr() string {
	s.t.Helper()

	var config net.ListenConfig
	l, err := config.Listen(s.t.Context(), "tcp4", "127.0.0.1:0")
	s.must(err)
	defer l.Close()
	return l.Addr().String()
}

func (s *Server) run() (err error) {
	log, err := child.OpenLog("", 0)
	if err != nil {
		return err
	}
	s.process, err = child.Start(child.Command{
		Path: s.program,
		Args: []string{
			"--port", strings.TrimPrefix(s.Endpoint, "http://"), "--access", s.Access, "--secret", s.Secret,
			"--keep-alive", "--quiet",
			// It stores extended attributes: in a folder beside the buckets instead, its
			// conditional puts fail under concurrency.
			"posix", s.dir,
		},
		Output: log, Orphaned: syscall.SIGKILL,
	})
	if err != nil {
		return err
	}

	if err := s.awaitReady(); err != nil {
		s.Kill()
		return fmt.Errorf("%w: %s", err, log.Tail())
	}
	return nil
}

// awaitReady returns once the server accepts this server's own credentials, which
// another one that took the port does not.
func (s *Server) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()

	client, err := minio.New(strings.TrimPrefix(s.Endpoint, "http://"), &minio.Options{Creds: s.credentials(), MaxRetries: 1})
	if err != nil {
		return err
	}

	return s.process.AwaitReady(ctx, func() (bool, error) {
		_, err := client.ListBuckets(ctx)
		var answer minio.ErrorResponse
		if errors.As(err, &answer) {
			return false, err
		}
		return err == nil, nil
	})
}

// Bucket creates a bucket and returns its URL for s3.Options, with pairs of names
// and values in its query.
func (s *Server) Bucket(query ...string) string {
	s.t.Helper()
	name := prefix + strings.ToLower(rand.Text())
	s.must(os.Mkdir(filepath.Join(s.dir, name), 0o700))

	values := url.Values{"endpoint": {s.Endpoint}}
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	return (&url.URL{Scheme: "s3", Host: name, RawQuery: values.Encode()}).String()
}

// Objects lists the names of the objects in all buckets.
func (s *Server) Objects() (names []string) {
	s.t.Helper()
	buckets, err := filepath.Glob(filepath.Join(s.dir, prefix+"*"))
	s.must(err)
	for _, bucket := range buckets {
		s.must(filepath.WalkDir(bucket, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") { // the server's own
				return fs.SkipDir
			}
			if err == nil && !d.IsDir() {
				names = append(names, strings.TrimPrefix(path, bucket+"/"))
			}
			return err
		}))
	}
	return names
}

// Age dates all objects of a folder, in every bucket, that far into the past.
func (s *Server) Age(folder string, by time.Duration) {
	s.t.Helper()
	past := time.Now().Add(-by)
	for _, name := range s.Objects() {
		if !strings.HasPrefix(name, folder+"/") {
			continue
		}

		paths, err := filepath.Glob(filepath.Join(s.dir, prefix+"*", name))
		s.must(err)
		for _, path := range paths {
			s.must(os.Chtimes(path, past, past))
		}
	}
}

// Open opens a store.
func (s *Server) Open(bucket string) *s3.Store {
	s.t.Helper()
	store, err := s3.Open(s.t.Context(), s3.Options{
		URL: bucket, Staging: filepath.Join(s.t.TempDir(), "staging"),
		Credentials: s.credentials(),
	})
	s.must(err)
	return store
}

func (s *Server) credentials() *credentials.Credentials {
	return credentials.NewStaticV4(s.Access, s.Secret, "")
}

// Kill ends the server by SIGKILL.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.Stop(context.Background(), limit, syscall.SIGKILL)
		s.process = nil
	}
}

// Restart starts the server after Kill, with its objects, at the same endpoint.
func (s *Server) Restart() {
	s.t.Helper()
	s.must(s.run())
}

// Suspend makes the server accept requests and answer none until Resume.
func (s *Server) Suspend() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)

	// The signal returns before all threads have stopped.
	threads := fmt.Sprintf("/proc/%d/task/*/stat", s.process.Pid())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for !stopped(s.t, threads) {
		s.must(child.Pause(ctx, time.Millisecond))
	}
}

// stopped tells whether every thread is in the state T, which follows the name.
func stopped(t testing.TB, pattern string) bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatalf("s3test: %v", err)
	}

	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err == nil && !bytes.Contains(stat, []byte(") T ")) {
			return false
		}
	}
	return true
}

// Resume ends Suspend.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.must(syscall.Kill(s.process.Pid(), sig))
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("s3test: %v", err)
	}
}
