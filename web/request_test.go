package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"inlet/web/intake"
)

// TestStalled: a sender that stops sending is answered and let go.
func TestStalled(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := intake.NewBody(w, r, 1<<20)
		b.Idle = 50 * time.Millisecond
		_, err := io.ReadAll(b)
		got <- err
		writeProblem(w, problemOf(err))
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbegin")
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if err := <-got; !errors.Is(err, intake.ErrStalled) || errors.Is(err, os.ErrDeadlineExceeded) || response.StatusCode != http.StatusBadRequest {
		t.Errorf("%v, answered %d", err, response.StatusCode)
	}
}

// TestSlowSenderIsServed: only the time between two reads is bounded.
func TestSlowSenderIsServed(t *testing.T) {
	t.Parallel()
	const idle = 400 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := intake.NewBody(w, r, 1<<20)
		b.Idle = idle
		n, err := io.Copy(io.Discard, b)
		fmt.Fprint(w, n, err)
	}))
	defer server.Close()
	body, sender := io.Pipe()
	go func() {
		for range 8 {
			time.Sleep(idle / 4) // the pace of the sender is what is tested
			sender.Write([]byte("x"))
		}
		sender.Close()
	}()
	response, err := http.Post(server.URL, "", body)
	must(t, err)
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); string(text) != "8 <nil>" {
		t.Errorf("got %s", text)
	}
}

// TestRefusedBodyIsRead: a sender that sends all before it reads gets the answer,
// and one that asks first sends nothing.
func TestRefusedBodyIsRead(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	for _, path := range []string{"/u/nonsense", "/u/" + l.Token} {
		conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
		must(t, err)
		defer conn.Close()
		size := 3 * testMaxBytes
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, size)
		_, err = conn.Write(make([]byte, size))
		must(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		if response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%.20s: %s", path, response.Status)
		}
	}
	conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
	must(t, err)
	defer conn.Close()
	fmt.Fprint(conn, "POST /u/nonsense HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("asked first: %s", response.Status)
	}
	s.wantKept(0)
}

// TestChunkedBody has no length, and ends where the limits end.
func TestChunkedBody(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	unsized := func(r io.Reader) io.Reader { return struct{ io.Reader }{r} }
	if a := s.send("POST", l.URL, unsized(bytes.NewReader(pngOf(1)))); a.StatusCode != http.StatusCreated {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	endless := io.MultiReader(bytes.NewReader(pngOf(2)), io.LimitReader(zeros{}, 3*testMaxBytes))
	if a := s.send("POST", l.URL, unsized(endless)); a.outcome(t) != "too-large" || a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	s.wantKept(1)
}

// TestBodyLimit: four times what the limits allow, and no overflow.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	s := &Server{Options: Options{MaxFileBytes: 1 << 62, MaxFiles: 100}}
	if got := s.bodyLimit(false); got != 1<<63-1 {
		t.Errorf("got %d", got)
	}
	s.MaxFileBytes = 10
	if raw, form := s.bodyLimit(false), s.bodyLimit(true); raw != 40 || form != 4000 {
		t.Errorf("got %d and %d", raw, form)
	}
	server := newTestServer(t, func(o *setup) { o.web.MaxFileBytes, o.web.MaxFiles = 1000, 2 })
	body, contentType := form(testFile{"a.png", pngOf(1)}, testFile{"b", make([]byte, 8000)})
	a := server.send("POST", server.makeLink("").URL, body, "Content-Type", contentType)
	if a.StatusCode != http.StatusRequestEntityTooLarge || a.code() != "too-large" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
