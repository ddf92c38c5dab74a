// Package s3test runs a real server of the S3 protocol for tests: versitygw, on
// a folder of the test's own. The server is no dependency of Inlet's: it is built
// once, from its own module at a pinned version, and kept in the user's cache.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"inlet/blob/s3"
	"inlet/embedded/child"
)

const (
	// limit bounds what a test waits for the server.
	limit = 30 * time.Second
	// prefix of the buckets' names.
	prefix = "test-"
	// required is set where the tests must not be skipped.
	required = "INLET_TEST_S3"
)

// Server is a server that a test may ill-treat. A method that cannot do what it
// says ends the test.
type Server struct {
	Endpoint       string // the same over all restarts
	Access, Secret string

	t       testing.TB
	program string
	dir     string
	process *child.Process
}

// Start starts a server that ends with the test. Where none can be built the
// test is skipped, unless INLET_TEST_S3=required says that this is a failure.
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
	err = errors.New("no port is free")
	for attempt := 0; attempt < 10 && err != nil; attempt++ {
		port, portErr := child.FreePort(t.Context())
		s.must(portErr)
		s.Endpoint = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		err = s.run()
	}
	s.must(err)
	t.Cleanup(s.Kill)
	return s
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
			// Without extended attributes it would need a folder for them beside the
			// buckets, and there its conditional puts go wrong under concurrency.
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

func (s *Server) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
		if err != nil {
			return err
		}
		// Any answer will do; it does not know who asks.
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			return res.Body.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-s.process.Done():
			return errors.Join(errors.New("it ended at once"), s.process.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Bucket makes a bucket and returns its URL for s3.Options; pairs of names and
// values are added to its query.
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

// Objects lists what is in all buckets, by name.
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

// Age makes all objects of a folder, in whatever bucket, older than they are.
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
		Credentials: credentials.NewStaticV4(s.Access, s.Secret, ""),
	})
	s.must(err)
	return store
}

// Kill ends the server in the middle of whatever it does.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.Stop(context.Background(), limit, syscall.SIGKILL)
		s.process = nil
	}
}

// Restart starts it again after Kill, with all that it has kept.
func (s *Server) Restart() {
	s.t.Helper()
	s.must(s.run())
}

// Suspend lets it take requests and answer none, until Resume. The signal returns
// before all threads stand still.
func (s *Server) Suspend() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
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
