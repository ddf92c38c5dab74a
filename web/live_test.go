package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// feed is a live feed as a browser reads it.
type feed struct {
	t      testing.TB
	res    *http.Response
	lines  *bufio.Scanner
	cancel func()
}

// watch opens the live feed. It ends with the test at the latest.
func (s *testServer) watch() *feed {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/stats/live", nil)
	must(s.t, err)
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Accept", "text/event-stream")
	res, err := s.client.Do(r)
	must(s.t, err)
	s.t.Cleanup(func() {
		cancel()
		res.Body.Close()
	})
	return &feed{s.t, res, bufio.NewScanner(res.Body), cancel}
}

// next reads up to the next event of a name and holds it against its schema.
func (f *feed) next(name string) []byte {
	f.t.Helper()
	schema := map[string]string{"stats": "Stats", "upload": "LiveUpload"}
	event := ""
	for f.lines.Scan() {
		field, value, _ := strings.Cut(f.lines.Text(), ": ")
		switch field {
		case "event":
			event = value
		case "data":
			assertConforms(f.t, schema[event], []byte(value))
			if event == name {
				return []byte(value)
			}
		}
	}
	f.t.Fatalf("the feed ended without %s: %v", name, f.lines.Err())
	return nil
}

func TestLive(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	f := s.watch()
	if f.res.Header.Get("X-Accel-Buffering") != "no" || f.res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", f.res.Header)
	}
	if first := f.next("stats"); !strings.Contains(string(first), `"accepted":0`) {
		t.Errorf("at first: %s", first)
	}
	l := s.makeLink(`{"expires_in":"1h","label":"Wedding"}`)
	token := l.Token
	for i, data := range [][]byte{pngOf(1), pngOf(1), jpegOf(2)} {
		e := s.postRaw(l.URL, "a picture", data).results(t)[0]
		var got struct {
			testEntry
			LinkID string `json:"link_id"`
			Label  string
		}
		text := f.next("upload")
		must(t, json.Unmarshal(text, &got))
		if got.testEntry != e || got.LinkID != string(l.ID) || got.Label != "Wedding" {
			t.Errorf("upload %d: the feed has %s, the answer %+v", i, text, e)
		}
		if strings.Contains(string(text), token) {
			t.Error("the feed has the token")
		}
	}
	for !strings.Contains(string(f.next("stats")), `"accepted":3,"stored":2,"duplicates":1`) {
	}
	// Two see the same; one that leaves does not disturb the other.
	second := s.watch()
	second.next("stats")
	second.cancel()
	s.postRaw(l.URL, "another", gifOf(4))
	f.next("upload")
}

func TestLiveEndsWithTheService(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	f := s.watch()
	f.next("stats")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.http.Config.Shutdown(ctx); err != nil {
		t.Fatalf("the feed holds the shutdown up: %v", err)
	}
	for f.lines.Scan() {
	}
	if err := f.lines.Err(); err != nil {
		t.Errorf("the feed did not end well: %v", err)
	}
}

func TestLiveIsTheOperators(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for _, path := range []string{"/v1/stats/live", "/v1/stats"} {
		if a := s.send("GET", path, nil); a.code() != "unauthorized" {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	if a := s.operator("GET", "/v1/stats", ""); !strings.Contains(string(a.body), `"most_popular_format":null`) {
		t.Errorf("an empty service has %s", a.body)
	}
	l := s.makeLink("")
	s.post(l.URL, testFile{"1", pngOf(1)}, testFile{"2", pngOf(2)}, testFile{"3", jpegOf(3)}, testFile{"4", pngOf(1)}, testFile{"5", []byte("text")})
	s.awaitStats(`"uploads":{"accepted":4,"stored":3,"duplicates":1,"rejected":1}`)
	s.awaitStats(`"formats":[{"format":"png","images":2},{"format":"jpeg","images":1}]`)
	s.awaitStats(`"most_popular_format":"png"`)
	s.awaitStats(`"uploaders":1}]`)
}

// TestPaced: each piece of an answer gets its own time.
func TestPaced(t *testing.T) {
	t.Parallel()
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	p := newPaced(w)
	for range 3 {
		_, err := p.Write([]byte("piece"))
		must(t, err)
	}
	must(t, p.flush())
	if len(w.set) != 4 || time.Until(w.set[3]) > stall || time.Until(w.set[0]) <= 0 {
		t.Errorf("deadlines: %v", w.set)
	}
	if !w.Flushed || w.Body.String() != "piecepiecepiece" {
		t.Errorf("flushed %v: %s", w.Flushed, w.Body)
	}
}

// deadlines keeps the deadlines that are set.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(until time.Time) error {
	d.set = append(d.set, until)
	return nil
}
