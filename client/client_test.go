package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// step is what a server does with one request; nil err: it answers.
type step struct {
	status int
	header http.Header
	body   string
	err    error
}

// script is a server that does its steps, the last one for ever.
type script struct {
	steps []step
	asked []string // method and path of each request
	at    []time.Duration
	began time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	now := s.steps[min(len(s.asked), len(s.steps)-1)]
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.at = append(s.at, time.Since(s.began))
	if now.err != nil {
		return nil, now.err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if now.status >= 400 {
		header.Set("Content-Type", "application/problem+json")
	}
	for name, values := range now.header {
		header[name] = values
	}
	return &http.Response{
		StatusCode: now.status, Header: header, Body: io.NopCloser(strings.NewReader(now.body)), Request: r,
	}, nil
}

// play runs f, by a clock of its own, against a server that does these steps.
func play(t *testing.T, steps []step, f func(t *testing.T, o Options)) *script {
	t.Helper()
	var s *script
	synctest.Test(t, func(t *testing.T) {
		s = &script{steps: steps, began: time.Now()}
		f(t, Options{HTTP: &http.Client{Transport: s, CheckRedirect: followReads}, Tries: 4})
	})
	return s
}

var (
	refused = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	cut     = &net.OpError{Op: "read", Err: errors.New("connection reset")}
	busy    = step{status: 503, body: `{"code":"overloaded","detail":"busy","status":503}`, header: http.Header{"Retry-After": {"7"}}}
	lost    = step{status: 410, body: `{"code":"link-revoked","detail":"the link is revoked","status":410}`}
	broken  = step{status: 500, body: `{"code":"internal","detail":"sorry","status":500}`}
	good    = step{status: 200, body: `{"images":{"stored":3}}`}
)

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		steps []step
		tries int
		fails bool
	}{
		{"at once", []step{good}, 1, false},
		{"not reached", []step{{err: refused}, {err: refused}, good}, 3, false},
		{"cut", []step{{err: cut}, good}, 2, false},
		{"overloaded", []step{busy, good}, 2, false},
		{"a gateway's failure", []step{{status: 502}, good}, 2, false},
		{"for ever", []step{{err: refused}}, 4, true},
		{"revoked", []step{lost}, 1, true},
		{"internal", []step{broken}, 1, true},
		{"asked to wait for an hour", []step{{status: 429, header: http.Header{"Retry-After": {"3600"}}}}, 1, true},
		{"another server", []step{{status: 200, header: http.Header{"Content-Type": {"text/html"}}}}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := play(t, c.steps, func(t *testing.T, o Options) {
				op, _ := NewOperator("http://inlet.test", "secret", o)
				doc, err := op.Stats(t.Context())
				if (err != nil) != c.fails || err == nil && doc.Images.Stored != 3 {
					t.Errorf("got %+v, %v", doc, err)
				}
			})
			if len(s.asked) != c.tries {
				t.Errorf("%d requests, want %d", len(s.asked), c.tries)
			}
		})
	}
}

// The pause is at least what the server asks for.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := play(t, []step{busy, good}, func(t *testing.T, o Options) {
		op, _ := NewOperator("http://inlet.test", "", o)
		if _, err := op.Stats(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if len(s.at) != 2 || s.at[1] < 7*time.Second || s.at[1] > 8*time.Second {
		t.Errorf("asked at %v", s.at)
	}
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-1": 0, "x": 0, "99999999999": 0,
		"Sat, 31 Jan 2026 08:00:09 GMT": 9 * time.Second, "Sat, 31 Jan 2026 07:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("Retry-After: %s: %v, want %v", value, got, want)
		}
	}
}

// A call ends with its context, also while it waits for the next attempt.
func TestContext(t *testing.T) {
	t.Parallel()
	play(t, []step{{err: refused}}, func(t *testing.T, o Options) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		o.Tries = 1000
		op, _ := NewOperator("http://inlet.test", "", o)
		began := time.Now()
		if _, err := op.Stats(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

const testLink = "http://inlet.test/some/where/u/SECRET.TO.KEN"

func testFile(data string) File {
	return File{
		Name: "a b.jpg", Size: int64(len(data)), SHA256: sha256.Sum256([]byte(data)),
		Open: func(offset int64) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data[offset:])), nil },
	}
}

// A file is sent again only when it has surely not arrived.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	stored := step{status: 201, body: `{"results":[{"filename":"a b.jpg","status":"stored","id":"1"}]}`}
	sum := sha256.Sum256([]byte("data"))
	known := step{status: 200, body: fmt.Sprintf(`{"known":[%q],"ids":{%[1]q:"1"}}`, hex.EncodeToString(sum[:]))}
	unknown := step{status: 200, body: `{"known":[],"ids":{}}`}
	const post, check = "POST /some/where/u/SECRET.TO.KEN", "POST /some/where/u/SECRET.TO.KEN/check"
	for _, c := range []struct {
		name   string
		steps  []step
		asked  []string
		status string
		code   string
	}{
		{"stored", []step{stored}, []string{post}, Stored, ""},
		{"not reached", []step{{err: refused}, stored}, []string{post, post}, Stored, ""},
		{"busy", []step{busy, stored}, []string{post, post}, Stored, ""},
		{"cut after it arrived", []step{{err: cut}, known}, []string{post, check}, Known, ""},
		{"cut before it arrived", []step{{err: cut}, unknown, stored}, []string{post, check, post}, Stored, ""},
		{"a gateway gave up", []step{{status: 504}, known}, []string{post, check}, Known, ""},
		{"the answer broke off", []step{{status: 201, body: `{"resul`}, known}, []string{post, check}, Known, ""},
		{"not a picture", []step{{
			status: 415,
			body:   `{"code":"unsupported-format","detail":"no picture","status":415,"results":[{"status":"rejected"}]}`,
		}}, []string{post}, Rejected, CodeUnsupportedFormat},
		{"revoked", []step{lost}, []string{post}, "", CodeLinkRevoked},
		{"a proxy's limit", []step{{status: 413, header: http.Header{"Content-Type": {"text/html"}}}}, []string{post}, Rejected, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := play(t, c.steps, func(t *testing.T, o Options) {
				link, err := NewLink(testLink+"?x=y", o)
				if err != nil {
					t.Fatal(err)
				}
				result, err := link.Send(t.Context(), testFile("data"))
				code := CodeOf(err)
				if result.Error != nil {
					code = result.Error.Code
				}
				if result.Status != c.status || code != c.code || (err != nil) != (c.status == "") {
					t.Errorf("got %+v, %v", result, err)
				}
				if (result.ID == "1") != (c.status == Stored || c.status == Known) {
					t.Errorf("the id is %q", result.ID)
				}
			})
			if fmt.Sprint(s.asked) != fmt.Sprint(c.asked) {
				t.Errorf("asked %v, want %v", s.asked, c.asked)
			}
		})
	}
}

// What is said of a failure has no secret in it.
func TestErrorsKeepTheToken(t *testing.T) {
	t.Parallel()
	for _, steps := range [][]step{
		{{err: refused}},
		{lost},
		{{status: 502}},
		{{status: 200, body: "{"}},
		{{status: 308, header: http.Header{"Location": {"https://inlet.test/u/SECRET.TO.KEN"}}}},
	} {
		play(t, steps, func(t *testing.T, o Options) {
			link, _ := NewLink(testLink, o)
			_, err := link.Send(t.Context(), testFile("data"))
			if err == nil || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%v", err)
			}
			_, err = link.State(t.Context())
			if err == nil || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%v", err)
			}
		})
	}
}

// A POST that is sent elsewhere would arrive there as a GET.
func TestRedirects(t *testing.T) {
	t.Parallel()
	s := play(t, []step{{status: 301, header: http.Header{"Location": {"https://inlet.test/u/x"}}}}, func(t *testing.T, o Options) {
		link, _ := NewLink(testLink, o)
		_, err := link.Send(t.Context(), testFile("data"))
		if err == nil || !strings.Contains(err.Error(), "https://inlet.test") {
			t.Errorf("got %v", err)
		}
	})
	if len(s.asked) != 1 {
		t.Errorf("asked %v", s.asked)
	}
}

func TestNewLink(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://h/u/a.b.c":        "https://h/u/a.b.c",
		" https://h/u/a.b.c/\n":    "https://h/u/a.b.c",
		"https://h/x/u/a.b.c?q=1#": "https://h/x/u/a.b.c",
		"https://h/u/":             "",
		"https://h/":               "",
		"https://h/v1/a.b.c":       "",
		"/u/a.b.c":                 "",
		"ftp://h/u/a":              "",
	} {
		link, err := NewLink(address, Options{})
		if want == "" {
			if !errors.Is(err, ErrNoLink) {
				t.Errorf("%q: %v", address, err)
			}
			continue
		}
		if err != nil || link.Address() != want {
			t.Errorf("%q: %v, %v", address, link, err)
		}
	}
}

// All pages of a list are read, as far as they are wanted.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages := []step{
		{status: 200, body: `{"links":[{"id":"a"},{"id":"b"}],"next":"c1"}`},
		{status: 200, body: `{"links":[{"id":"c"}],"next":null}`},
	}
	for want, asked := range map[int]int{2: 1, 3: 2} {
		var got []string
		s := play(t, pages, func(t *testing.T, o Options) {
			op, _ := NewOperator("http://inlet.test", "", o)
			for link, err := range op.Links(t.Context()) {
				if err != nil {
					t.Error(err)
				}
				if got = append(got, link.ID); len(got) == want {
					break
				}
			}
		})
		if len(got) != want || len(s.asked) != asked {
			t.Errorf("got %v from %v", got, s.asked)
		}
	}
}

// A feed that breaks off goes on, and one that is refused ends.
func TestWatchStats(t *testing.T) {
	t.Parallel()
	feed := func(n int) step {
		return step{
			status: 200, header: http.Header{"Content-Type": {"text/event-stream"}},
			body: fmt.Sprintf("retry: 2000\n\n:\n\nevent: upload\ndata: {}\n\nevent: stats\ndata: {\"images\":{\"stored\":%d}}\n\n", n),
		}
	}
	var got []int64
	var last error
	s := play(t, []step{feed(1), feed(2), {err: refused}, feed(3), {status: 403, body: `{"code":"forbidden"}`}}, func(t *testing.T, o Options) {
		op, _ := NewOperator("http://inlet.test", "", o)
		for doc, err := range op.WatchStats(t.Context()) {
			if last = err; err == nil {
				got = append(got, doc.Images.Stored)
			}
		}
	})
	if fmt.Sprint(got) != "[1 2 3]" || CodeOf(last) != CodeForbidden || len(s.asked) != 5 {
		t.Errorf("got %v, %v after %v", got, last, s.asked)
	}
	stopped := play(t, []step{feed(1)}, func(t *testing.T, o Options) {
		op, _ := NewOperator("http://inlet.test", "", o)
		for range op.WatchStats(t.Context()) {
			break
		}
	})
	if len(stopped.asked) != 1 {
		t.Errorf("asked again: %v", stopped.asked)
	}
}

// An export that breaks off does not look whole, and one in another form is none.
func TestExport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		io.WriteString(w, "id\n")
		w.(http.Flusher).Flush()
		if r.URL.Query().Get("label") == "broken" {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	op, err := NewOperator(server.URL, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for label, whole := range map[string]bool{"broken": false, "fine": true} {
		stream, err := op.Export(t.Context(), "text/csv", map[string][]string{"label": {label}})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(stream)
		stream.Close()
		if !bytes.Equal(data, []byte("id\n")) || (err == nil) != whole {
			t.Errorf("%s: %q, %v", label, data, err)
		}
	}
	if _, err := op.Export(t.Context(), "application/zip", nil); !errors.Is(err, ErrForm) {
		t.Errorf("got %v", err)
	}
}

// Connections are kept, so that many small files cost no handshake each.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	opened := make(chan struct{}, 100)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"results":[{"status":"stored"}]}`+"\n")
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	link, err := NewLink(server.URL+"/u/x", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := link.Send(t.Context(), testFile("data")); err != nil {
			t.Fatal(err)
		}
	}
	if len(opened) != 1 {
		t.Errorf("%d connections for 20 files", len(opened))
	}
}
