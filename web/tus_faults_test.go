package web

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlet/resume"
)

// replica is another process on the same stores.
func (s *testServer) replica() *testServer {
	s.t.Helper()
	return s.replicaOn(s.Resume.Store)
}

// replicaOn is one that has opened the store of pieces itself.
func (s *testServer) replicaOn(pieces resume.Store) *testServer {
	s.t.Helper()
	other, o, parts := *s, s.Options, s.Resume.Options
	parts.Store = pieces
	o.Registerer, o.Resume = prometheus.NewRegistry(), resume.New(parts)
	other.http = httptest.NewUnstartedServer(nil)
	other.URL = "http://" + other.http.Listener.Addr().String()
	var err error
	other.Server, err = New(o)
	must(s.t, err)
	other.http.Config = other.HTTPServer()
	other.http.Start()
	s.t.Cleanup(other.http.Close)
	other.run(o.Resume.Run)
	return &other
}

// at is an address of s as another replica has it.
func (s *testServer) at(other *testServer, address string) string {
	return strings.Replace(address, s.URL, other.URL, 1)
}

// stalled sends the head of a request and the beginning of its body, and no more.
func (s *testServer) stalled(upload string, offset, length int, sent []byte) net.Conn {
	s.t.Helper()
	address, err := url.Parse(upload)
	must(s.t, err)
	conn, err := net.Dial("tcp", address.Host)
	must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		address.Path, offset, offsetStream, length, sent)
	must(s.t, err)
	return conn
}

// arrived waits until so many bytes of the one upload are on the disk.
func (s *testServer) arrived(n int) {
	s.t.Helper()
	await(s.t, fmt.Sprintf("the arrival of %d bytes", n), func() bool {
		for _, name := range s.files("tus") {
			if !strings.HasSuffix(name, ".info") && s.size("tus/"+name) >= n {
				return true
			}
		}
		return false
	})
}

// TestTusCut: what came before a connection broke is kept, and the next request
// is served at once, by another process too, while the old connection still seems
// to be there.
func TestTusCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name              string
		closed, elsewhere bool
	}{{"closed", true, false}, {"silent", false, false}, {"closed, another process", true, true}, {"silent, another process", false, true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newTestServer(t)
			next := s
			if test.elsewhere {
				next = s.replica()
			}
			data := append(pngOf(1), make([]byte, 5000)...)
			upload := s.begun(s.makeLink("").URL, "a.png", len(data))
			conn := s.stalled(upload, 0, len(data), data[:3000])
			s.arrived(3000)
			if test.closed {
				conn.Close()
			}
			start := time.Now()
			upload = s.at(next, upload)
			if n := next.offset(upload); n != 3000 {
				t.Errorf("goes on at %d", n)
			}
			if took := time.Since(start); took > 8*time.Second { // a lease lasts longer
				t.Errorf("the next request waited %v", took)
			}
			if !test.closed {
				said, err := io.ReadAll(conn)
				if !strings.HasPrefix(string(said), "HTTP/1.1 423 ") {
					t.Errorf("the old request was answered %q, %v", said, err)
				}
			}
			a := next.patch(upload, 3000, data[3000:])
			if e := outcome(t, a); a.StatusCode != http.StatusNoContent || e.Status != "stored" {
				t.Fatalf("%d %s %v", a.StatusCode, a.body, e)
			}
			if got := s.send("GET", outcome(t, a).URL, nil); !bytes.Equal(got.body, data) {
				t.Error("the picture came back altered")
			}
		})
	}
}

// TestTusReplicas continues one upload through two processes in turn.
func TestTusReplicas(t *testing.T) {
	t.Parallel()
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		s := newTestServer(t)
		inTurn(t, s, s.replica())
	})
	t.Run("S3", func(t *testing.T) {
		t.Parallel()
		_, s, other := onS3(t)
		inTurn(t, s, other)
	})
}

func inTurn(t *testing.T, s, other *testServer) {
	t.Helper()
	both := []*testServer{s, other}
	data := append(pngOf(1), make([]byte, 20_000)...)
	upload := s.begun(s.makeLink("").URL, "a.png", len(data))
	var last answer
	for i, at := 0, 0; at < len(data); i++ {
		end := min(at+1500, len(data))
		here := both[i%2]
		if n := here.offset(s.at(here, upload)); n != at {
			t.Fatalf("goes on at %d, want %d", n, at)
		}
		last = both[(i+1)%2].patch(s.at(both[(i+1)%2], upload), at, data[at:end])
		if last.StatusCode != http.StatusNoContent {
			t.Fatalf("at %d: %d %s", at, last.StatusCode, last.body)
		}
		at = end
	}
	e := outcome(t, last)
	for _, here := range both {
		var told testEntry
		here.send("GET", s.at(here, upload)+"/result", nil).json(t, &told)
		if told != e {
			t.Errorf("told %+v, want %+v", told, e)
		}
	}
	if got := s.send("GET", e.URL, nil); !bytes.Equal(got.body, data) {
		t.Error("the picture came back altered")
	}
	s.wantCounted(1, 0)
}

// TestTusAtTheSameTime: however many send the last piece and ask for the result,
// the file is processed once.
func TestTusAtTheSameTime(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	other := s.replica()
	l, data := s.makeLink(`{"expires_in":"1h","max_files":10}`), pngOf(1)
	for _, data := range [][]byte{data, []byte("text")} {
		upload := s.begun(l.URL, "a.png", len(data))
		var wg sync.WaitGroup
		for i := range 6 {
			here := []*testServer{s, other}[i%2]
			wg.Go(func() {
				address := s.at(here, upload)
				if a := here.patch(address, 0, data); a.StatusCode != http.StatusNoContent && a.StatusCode != http.StatusConflict && a.StatusCode != http.StatusLocked {
					t.Errorf("%d %s", a.StatusCode, a.body)
				}
				await(t, "the result", func() bool { return here.send("GET", address+"/result", nil).StatusCode == http.StatusOK })
			})
		}
		wg.Wait()
	}
	s.wantCounted(1, 1)
	if used := s.count(`SELECT files FROM link_usage`); used != 1 {
		t.Errorf("the link has %d files used up", used)
	}
}

// TestTusStoreAway: when the database hangs at the end, the bytes stay, and are
// processed for whoever asks later.
func TestTusStoreAway(t *testing.T) {
	t.Parallel()
	for _, ask := range []string{"result", "PATCH", "HEAD"} {
		t.Run(ask, func(t *testing.T) {
			t.Parallel()
			s := newTestServer(t, func(o *setup) { o.upload.StoreWait = 100 * time.Millisecond })
			data := pngOf(1)
			upload := s.begun(s.makeLink("").URL, "a.png", len(data))
			tx, err := s.pool.Begin(t.Context())
			must(t, err)
			_, err = tx.Exec(t.Context(), `LOCK TABLE images, uploads IN ACCESS EXCLUSIVE MODE`)
			must(t, err)
			s.wantUnavailable(s.patch(upload, 0, data))
			s.wantUnavailable(s.patch(upload, len(data), nil))
			s.wantUnavailable(s.send("GET", upload+"/result", nil))
			// Not complete, for nobody knows what became of the file.
			if a := s.send("HEAD", upload, nil); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
				t.Errorf("HEAD: %d", a.StatusCode)
			}
			along := s.begin(s.makeLink("").URL, "b.png", len(pngOf(2)), pngOf(2))
			s.wantUnavailable(along)
			must(t, tx.Rollback(t.Context()))

			switch ask {
			case "PATCH":
				var a answer
				await(t, "the answer to PATCH", func() bool {
					a = s.patch(upload, len(data), nil)
					return a.StatusCode == http.StatusNoContent
				})
				if outcome(t, a).Status != "stored" {
					t.Errorf("%v", a.Header)
				}
			case "HEAD":
				await(t, "the answer to HEAD", func() bool { return s.send("HEAD", upload, nil).StatusCode == http.StatusOK })
				if n := s.offset(upload); n != len(data) {
					t.Errorf("complete at %d", n)
				}
			}
			for name, address := range map[string]string{"a.png": upload, "b.png": along.Header.Get("Location")} {
				var e testEntry
				await(t, "the result of "+name, func() bool {
					a := s.send("GET", address+"/result", nil)
					if a.StatusCode == http.StatusOK {
						a.json(t, &e)
					}
					return a.StatusCode == http.StatusOK
				})
				if e.Status != "stored" || e.Filename != name {
					t.Errorf("%s: %+v", name, e)
				}
			}
			s.wantKept(2)
			s.wantCounted(2, 0)
		})
	}
}

// TestTusProcessDied: a session that nobody gives back is free after a while.
func TestTusProcessDied(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, func(o *setup) { o.lease = 2 * time.Second })
	data := pngOf(1)
	upload := s.begun(s.makeLink("").URL, "a.png", len(data))
	s.patch(upload, 0, data[:10])
	_, err := s.pool.Exec(t.Context(), `UPDATE upload_sessions SET holder = 'dead', held_until = now() + interval '500 ms'`)
	must(t, err)
	if a := s.patch(upload, 10, data[10:]); outcome(t, a).Status != "stored" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestTusLeaseLost: who cannot renew its lease stops writing.
func TestTusLeaseLost(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, func(o *setup) { o.lease = 3 * time.Second })
	data := append(pngOf(1), make([]byte, 5000)...)
	upload := s.begun(s.makeLink("").URL, "a.png", len(data))
	conn := s.stalled(upload, 0, len(data), data[:1000])
	s.arrived(1000)
	_, err := s.pool.Exec(t.Context(), `UPDATE upload_sessions SET holder = 'other', held_until = now() + interval '2 s'`)
	must(t, err)
	said, err := io.ReadAll(conn)
	if !strings.HasPrefix(string(said), "HTTP/1.1 503 ") || !strings.Contains(string(said), "what came is kept") {
		t.Errorf("answered %q, %v", said, err)
	}
	if a := s.patch(upload, 1000, data[1000:]); outcome(t, a).Status != "stored" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestTusStalled: a sender that pauses for too long loses its request, and nothing
// of what it sent.
func TestTusStalled(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	s.router.Handler("PATCH", "/hasty/:token/tus/:upload", s.handle("/hasty", func(w http.ResponseWriter, r *http.Request) error {
		transfer, err := s.transfer(r)
		must(t, err)
		transfer.Pause = time.Second
		_, err = s.Resume.Serve(w, r, transfer)
		return err
	}))
	data := append(pngOf(1), make([]byte, 5000)...)
	upload := s.begun(s.makeLink("").URL, "a.png", len(data))
	conn := s.stalled(strings.Replace(upload, "/u/", "/hasty/", 1), 0, len(data), data[:1000])
	if said, err := io.ReadAll(conn); !strings.HasPrefix(string(said), "HTTP/1.1 503 ") {
		t.Errorf("answered %q, %v", said, err)
	}
	if n := s.offset(upload); n != 1000 {
		t.Errorf("goes on at %d", n)
	}
}

// TestTusDrained: a process that stops does not wait for slow uploads.
func TestTusDrained(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	next := s.replica()
	data := append(pngOf(1), make([]byte, 5000)...)
	upload := s.begun(s.makeLink("").URL, "a.png", len(data))
	conn := s.stalled(upload, 0, len(data), data[:1000])
	s.arrived(1000)
	s.Stop()
	if said, err := io.ReadAll(conn); !strings.HasPrefix(string(said), "HTTP/1.1 503 ") {
		t.Errorf("answered %q, %v", said, err)
	}
	if a := next.patch(s.at(next, upload), 1000, data[1000:]); outcome(t, a).Status != "stored" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestTusTooMany: a link's holder cannot fill the disk with empty sessions.
func TestTusTooMany(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	_, err := s.pool.Exec(t.Context(), `
		INSERT INTO upload_sessions (id, stored_as, link_id, size, created_at, expires_at)
		SELECT n::text, n::text, $1, 9, now(), now() + interval '1 h' FROM generate_series(1, 999) n`, string(l.ID))
	must(t, err)
	s.begun(l.URL, "a.png", 10)
	a := s.begin(l.URL, "a.png", 10, nil)
	if a.StatusCode != http.StatusTooManyRequests || a.code() != "rate-limited" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	s.begun(s.makeLink("").URL, "a.png", 10)
	if left := s.files("tus"); len(left) != 4 {
		t.Errorf("there are %v", left)
	}
}

// TestTusSwept: sessions end a day after they were last used, or with their link.
func TestTusSwept(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	now := time.Now()
	l, data := s.makeLink(`{"expires_in":"7d"}`), pngOf(1)
	kept, brief := s.begun(l.URL, "a.png", len(data)), s.begun(s.makeLink(`{"expires_in":"1h"}`).URL, "a.png", 10)
	s.patch(kept, 0, data[:10])
	done := s.begin(l.URL, "b.png", len(pngOf(2)), pngOf(2)).Header.Get("Location")
	for _, test := range []struct {
		at             time.Duration
		removed, files int
	}{{110 * time.Minute, 0, 4}, {121 * time.Minute, 1, 2}, {23 * time.Hour, 0, 2}, {25 * time.Hour, 2, 0}} {
		n, err := s.Resume.Sweep(t.Context(), now.Add(test.at))
		if left := s.files("tus"); err != nil || n != test.removed || len(left) != test.files {
			t.Errorf("after %v: %d removed, %v; left %v", test.at, n, err, left)
		}
	}
	for _, upload := range []string{kept, brief, done} {
		if a := s.send("HEAD", upload, nil); a.StatusCode != http.StatusNotFound {
			t.Errorf("%d", a.StatusCode)
		}
	}
	s.wantKept(1)
}
