package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	expslog "golang.org/x/exp/slog"
)

// tusServer is the protocol's reference implementation, with the contract's
// header, and a line that is cut every so many bytes.
type tusServer struct {
	*httptest.Server
	dir      string
	received atomic.Int64 // bytes of PATCH bodies
	cutAfter int64        // bytes of one PATCH; 0: never
	silent   atomic.Bool  // the last answer is lost once
}

func newTusServer(t *testing.T, cutAfter int64) *tusServer {
	t.Helper()
	s := &tusServer{dir: t.TempDir(), cutAfter: cutAfter}
	composer := handler.NewStoreComposer()
	filestore.New(s.dir).UseIn(composer)
	memorylocker.New().UseIn(composer)
	tus, err := handler.NewHandler(handler.Config{
		StoreComposer: composer, BasePath: "/u/token/tus/",
		Logger: expslog.New(expslog.NewTextHandler(io.Discard, nil)),
		PreFinishResponseCallback: func(hook handler.HookEvent) (handler.HTTPResponse, error) {
			return handler.HTTPResponse{Header: handler.HTTPHeader{resultHeader: entryOf(hook.Upload.MetaData["filename"])}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/u/token/tus/", http.StripPrefix("/u/token/tus/", s.cutting(tus)))
	mux.HandleFunc("GET /u/token/tus/{id}/result", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, entryOf("asked for"))
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func entryOf(name string) string {
	return fmt.Sprintf(`{"filename":%q,"status":"stored","id":"1"}`, name)
}

// cutting passes on a request's body as far as the line holds.
func (s *tusServer) cutting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPatch {
			next.ServeHTTP(w, r)
			return
		}
		body := io.TeeReader(r.Body, counter{&s.received})
		if s.cutAfter > 0 && r.ContentLength > s.cutAfter {
			body = io.MultiReader(io.LimitReader(body, s.cutAfter), failing{})
		}
		r.Body = io.NopCloser(body)
		if s.silent.CompareAndSwap(true, false) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
		if s.cutAfter > 0 && r.ContentLength > s.cutAfter {
			panic(http.ErrAbortHandler)
		}
	})
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// stored is what the server has, under whatever name.
func (s *tusServer) stored(t *testing.T) []byte {
	t.Helper()
	infos, err := filepath.Glob(filepath.Join(s.dir, "*.info"))
	if err != nil || len(infos) != 1 {
		t.Fatalf("%v, %v", infos, err)
	}
	data, err := os.ReadFile(strings.TrimSuffix(infos[0], ".info"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func randomFile(size int) ([]byte, File) {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return data, File{
		Name: "größe.jpg", Size: int64(size), SHA256: sha256.Sum256(data),
		Open: func(offset int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data[offset:])), nil },
	}
}

func (s *tusServer) link(t *testing.T) *Link {
	t.Helper()
	link, err := NewLink(s.URL+"/u/token", Options{Tries: 3})
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// A file arrives whole although the line is cut more often than a request may
// fail, since each attempt gets further; and little is sent twice.
func TestResume(t *testing.T) {
	t.Parallel()
	for name, cutAfter := range map[string]int64{"whole": 0, "cut": 300 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, file := randomFile(2 << 20)
			s := newTusServer(t, cutAfter)
			session, err := s.link(t).Begin(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			result, err := session.Send(t.Context(), file)
			if err != nil || result.Status != Stored || result.Filename != file.Name {
				t.Errorf("got %+v, %v", result, err)
			}
			if !bytes.Equal(s.stored(t), data) {
				t.Error("the file arrived altered")
			}
			if n := s.received.Load(); n > file.Size*11/10 {
				t.Errorf("%d bytes for a file of %d", n, file.Size)
			}
		})
	}
}

// Another process goes on with the address alone.
func TestResumeLater(t *testing.T) {
	t.Parallel()
	data, file := randomFile(1 << 20)
	s := newTusServer(t, 0)
	session, err := s.link(t).Begin(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	half := file
	half.Open = func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(data[offset:len(data)/2]), stopping{s, file.Size / 3, stop})), nil
	}
	if _, err := session.Send(ctx, half); err == nil {
		t.Fatal("sent although it was stopped")
	}
	before := s.received.Load()
	again := s.link(t).Session(session.ID)
	if result, err := again.Send(t.Context(), file); err != nil || result.Status != Stored {
		t.Fatalf("got %+v, %v", result, err)
	}
	if !bytes.Equal(s.stored(t), data) {
		t.Error("the file arrived altered")
	}
	if n := s.received.Load() - before; before == 0 || n > file.Size-before/2 {
		t.Errorf("%d bytes at first, and %d more for a file of %d", before, n, file.Size)
	}
}

// stopping is the place in a body at which a person presses Ctrl-C: when the
// server has so many bytes.
type stopping struct {
	server *tusServer
	bytes  int64
	stop   func()
}

func (s stopping) Read([]byte) (int, error) {
	for deadline := time.Now().Add(10 * time.Second); s.server.received.Load() < s.bytes; {
		if time.Now().After(deadline) {
			return 0, errors.New("the server does not read")
		}
		time.Sleep(time.Millisecond)
	}
	s.stop()
	return 0, context.Canceled
}

// The result of a file whose last answer was lost is asked for.
func TestResumeResult(t *testing.T) {
	t.Parallel()
	_, file := randomFile(100 << 10)
	s := newTusServer(t, 0)
	s.silent.Store(true)
	session, err := s.link(t).Begin(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	result, err := session.Send(t.Context(), file)
	if err != nil || result.Filename != "asked for" || s.received.Load() != file.Size {
		t.Errorf("got %+v, %v after %d bytes", result, err, s.received.Load())
	}
}

func TestResumeRefusals(t *testing.T) {
	t.Parallel()
	_, file := randomFile(10)
	s := newTusServer(t, 0)
	gone := s.link(t).Session("nothing")
	if _, err := gone.Send(t.Context(), file); !errors.Is(err, ErrSessionGone) {
		t.Errorf("a session that has gone: %v", err)
	}
	without := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(without.Close)
	link, err := NewLink(without.URL+"/u/token", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := link.Begin(t.Context(), file); !errors.Is(err, ErrNotResumable) {
		t.Errorf("a server without: %v", err)
	}
}
