package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/db"
	"inlet/imaging"
	"inlet/link"
	"inlet/problem"
	"inlet/upload"
	"inlet/web/intake"
)

// mint signs a link that the API would not make, such as one of the past.
func (s *testServer) mint(change func(*link.Grant)) string {
	s.t.Helper()
	now := time.Now().Truncate(time.Second)
	g := link.Grant{ID: "minted", IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour)}
	change(&g)
	token, err := s.keys.Mint(g)
	must(s.t, err)
	return s.URL + "/u/" + token
}

// bomb is a PNG header that declares more pixels than anybody has memory for.
func bomb() []byte {
	ihdr := append([]byte("IHDR"), 0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50, 8, 6, 0, 0, 0)
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(ihdr))
	return append(data, "\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e\x00\x00\x00\x00IEND\xae\x42\x60\x82"...)
}

// TestErrorCodes provokes every code of the contract that one request can.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	good := s.makeLink("")
	used := s.makeLink(`{"expires_in":"1h","max_files":1}`)
	if a := s.postRaw(used.URL, "a.png", pngOf(1)); a.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	revoked := s.makeLink("")
	if a := s.operator("DELETE", "/v1/links/"+string(revoked.ID), ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	expired := s.mint(func(g *link.Grant) { g.ExpiresAt = g.IssuedAt.Add(time.Minute) })
	early := s.mint(func(g *link.Grant) { g.NotBefore = g.ExpiresAt.Add(-time.Minute) })
	stored := s.postRaw(good.URL, "b.png", pngOf(2)).results(t)[0].URL

	operator := []string{"Authorization", "Bearer " + testToken}
	form := []string{"Content-Type", "multipart/form-data; boundary=b"}
	asJSON := []string{"Accept", typeJSON}
	for _, test := range []struct {
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		{"GET", "/v1/links", "", nil, 401, "unauthorized"},
		{"GET", "/v1/stats", "", []string{"Authorization", "Basic " + testToken}, 401, "unauthorized"},
		{"GET", "/v1/images", "", []string{"Authorization", "Bearer wrong"}, 403, "forbidden"},
		{"GET", "/v1/images", "", []string{"Authorization", "Bearer " + good.Token}, 403, "forbidden"},
		{"GET", "/nowhere", "", nil, 404, "not-found"},
		{"GET", "/u/", "", nil, 404, "not-found"},
		{"GET", "/v1/images/00000000-0000-7000-8000-000000000000", "", nil, 404, "not-found"},
		{"GET", "/v1/images/x%00y", "", nil, 404, "not-found"},
		{"PUT", "/v1/links", "", nil, 405, "method-not-allowed"},
		{"DELETE", "/healthz", "", nil, 405, "method-not-allowed"},
		{"BREW", "/v1/stats", "", nil, 405, "method-not-allowed"},
		{"GET", stored, "", []string{"Range", "bytes=100000-"}, 416, "range-not-satisfiable"},
		{"GET", stored + "?width=7", "", nil, 400, "bad-request"},

		{"POST", "/v1/links", `{"expires_in":"1h"`, operator, 400, "bad-request"},
		{"POST", "/v1/links", ``, operator, 400, "bad-request"},
		{"POST", "/v1/links", `[]`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{}`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{"expires_in":"1h"} {}`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{"expires_in":"1h","max_file":3}`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{"expires_in":"1h","max_files":0}`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{"expires_in":"1h","max_files":"3"}`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{"expires_in":"367d"}`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{"expires_in":"1h","label":"` + long(201) + `"}`, operator, 400, "bad-request"},
		{"POST", "/v1/links", `{"expires_in":"1h","label":"` + long(intake.MaxJSON) + `"}`, operator, 413, "too-large"},
		{"GET", "/v1/links?limit=0", "", operator, 400, "bad-request"},
		{"GET", "/v1/links?limit=501", "", operator, 400, "bad-request"},
		{"GET", "/v1/links?limit=x", "", operator, 400, "bad-request"},
		{"GET", "/v1/links?cursor=x", "", operator, 400, "bad-request"},
		{"GET", "/v1/images?cursor=x", "", operator, 400, "bad-request"},
		{"GET", "/v1/images?bbox=1,2", "", operator, 400, "bad-request"},
		{"DELETE", "/v1/links/x?images=keep", "", operator, 400, "bad-request"},

		{"POST", good.URL + "/check", `{}`, nil, 400, "bad-request"},
		{"POST", good.URL + "/check", `{"sha256":["ab"]}`, nil, 400, "bad-request"},
		{"POST", good.URL + "/check", `{"sha256":["` + long(64) + `"]}`, nil, 400, "bad-request"},
		{"POST", good.URL + "/check", sumsJSON(1001), nil, 400, "bad-request"},
		{"POST", good.URL + "/check", sumsJSON(3000), nil, 413, "too-large"},
		{"POST", expired + "/check", `{"sha256":[]}`, nil, 410, "link-expired"},

		{"POST", good.URL + "x", string(pngOf(3)), nil, 403, "link-invalid"},
		{"POST", "/u/" + long(5000), string(pngOf(3)), nil, 403, "link-invalid"},
		{"GET", "/u/x", "", asJSON, 403, "link-invalid"},
		{"GET", "/u/x/qr.png", "", nil, 403, "link-invalid"},
		{"POST", expired, string(pngOf(3)), nil, 410, "link-expired"},
		{"GET", expired, "", asJSON, 410, "link-expired"},
		{"GET", expired + "/qr.svg", "", nil, 410, "link-expired"},
		{"POST", early, string(pngOf(3)), nil, 403, "link-not-yet-valid"},
		{"POST", revoked.URL, string(pngOf(3)), nil, 410, "link-revoked"},
		{"GET", revoked.URL, "", asJSON, 410, "link-revoked"},
		{"POST", used.URL, string(pngOf(3)), nil, 410, "link-exhausted"},

		{"POST", good.URL, string(pngOf(3)), []string{"Content-Encoding", "gzip"}, 415, "unsupported-format"},
		{"POST", good.URL, "text", nil, 415, "unsupported-format"},
		{"POST", good.URL + "?filename=a.jpg", "text", []string{"Content-Type", "image/jpeg"}, 415, "unsupported-format"},
		{"POST", good.URL, `<svg xmlns="http://www.w3.org/2000/svg"/>`, nil, 415, "unsupported-format"},
		{"POST", good.URL, `<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg"/>`, nil, 415, "unsupported-format"},
		{"POST", good.URL, "", nil, 422, "undecodable"},
		{"POST", good.URL, string(pngOf(3)[:60]), nil, 422, "undecodable"},
		{"POST", good.URL, string(jpegOf(3)[:400]), nil, 422, "undecodable"},
		{"POST", good.URL, string(gifOf(3)[:30]), nil, 422, "undecodable"},
		{"POST", good.URL, string(bomb()), nil, 422, "too-many-pixels"},
		{"POST", good.URL, string(pngOf(3)) + long(testMaxBytes), nil, 413, "too-large"},
		{"POST", good.URL, string(pngOf(3)) + long(5*testMaxBytes), nil, 413, "too-large"},

		{"POST", good.URL, "", form, 400, "bad-request"},
		{"POST", good.URL, "--b--\r\n", form, 400, "bad-request"},
		{"POST", good.URL, "--other\r\n\r\n", form, 400, "bad-request"},
		{"POST", good.URL, "--b\r\nContent-Disposition: form-data; name=f\r\n\r\nx\r\n--b--", form, 400, "bad-request"},
		{"POST", good.URL, "--b\r\nContent-Disposition: form-data; filename=f\r\n\r\n" + string(pngOf(3)), form, 400, "bad-request"},
		{"POST", good.URL, "--b\r\nContent-Disposition: form-data; filename=f", form, 400, "bad-request"},
		{"POST", good.URL, "--b\r\nX: " + long(intake.MaxHeader) + "\r\n\r\n--b--", form, 400, "bad-request"},
		{"POST", good.URL, "--b\r\n" + strings.Repeat("X: y\r\n", intake.MaxHeader/6) + "\r\n--b--", form, 400, "bad-request"},
		{"POST", good.URL, strings.Repeat("preamble\r\n", intake.MaxHeader/9), form, 400, "bad-request"},
		{"POST", good.URL, "--b--\r\n", []string{"Content-Type", "multipart/form-data"}, 400, "bad-request"},
		{"POST", good.URL, strings.Repeat("--b\r\n\r\n\r\n", intake.MaxFields+1) + "--b--", form, 400, "bad-request"},
		{"POST", good.URL, "--b\r\n\r\n" + long(intake.MaxFieldBytes+1) + "\r\n--b--", form, 400, "bad-request"},
	} {
		name := fmt.Sprintf("%s %.60s %.60q", test.method, strings.TrimPrefix(test.path, s.URL), test.body)
		a := s.send(test.method, test.path, strings.NewReader(test.body), test.headers...)
		var p Problem
		if err := json.Unmarshal(a.body, &p); err != nil || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: no problem document: %d %.200s", name, a.StatusCode, a.body)
			continue
		}
		if a.StatusCode != test.status || p.Status != test.status || string(p.Code) != test.code {
			t.Errorf("%s: %d %s, want %d %s: %s", name, a.StatusCode, p.Code, test.status, test.code, p.Detail)
		}
		if p.Type != "urn:inlet:problem:"+string(p.Code) || p.Title == "" || p.Detail == "" {
			t.Errorf("%s: the document lacks something: %s", name, a.body)
		}
		if got := a.Header.Get("WWW-Authenticate"); (got == "Bearer") != (a.StatusCode == http.StatusUnauthorized) {
			t.Errorf("%s: WWW-Authenticate: %q", name, got)
		}
		if got := a.Header.Get("Allow"); (got != "") != (a.StatusCode == http.StatusMethodNotAllowed) {
			t.Errorf("%s: Allow: %q", name, got)
		}
	}
	s.wantKept(2)
	s.wantSecretsKept(good, used, revoked)
}

// wantSecretsKept checks that neither tokens nor the operator's are in the log or
// the metrics.
func (s *testServer) wantSecretsKept(links ...newLink) {
	s.t.Helper()
	metrics := s.send("GET", "/metrics", nil)
	for _, secret := range []string{testToken, s.keys.String()} {
		if strings.Contains(s.log.String(), secret) || bytes.Contains(metrics.body, []byte(secret)) {
			s.t.Errorf("a secret is in the log or the metrics")
		}
	}
	for _, l := range links {
		signature := l.Token[strings.LastIndex(l.Token, ".")+1:]
		if strings.Contains(s.log.String(), signature) || bytes.Contains(metrics.body, []byte(signature)) {
			s.t.Errorf("a link's token is in the log or the metrics")
		}
	}
}

func sumsJSON(n int) string {
	return `{"sha256":["` + strings.Repeat(strings.Repeat("a", 64)+`","`, n-1) + strings.Repeat("b", 64) + `"]}`
}

// held is an inspector that does not end before it is let go.
type held struct {
	upload.Inspector
	entered chan struct{}
	let     chan struct{}
}

func (h *held) Inspect(ctx context.Context, _ io.ReaderAt, _ int64, _ imaging.Format) (imaging.Info, error) {
	h.entered <- struct{}{}
	<-h.let
	return imaging.Info{}, imaging.ErrUndecodable
}

// TestOverloaded: with no place free in time the client is told when to return.
func TestOverloaded(t *testing.T) {
	t.Parallel()
	inspector := &held{entered: make(chan struct{}), let: make(chan struct{})}
	s := newTestServer(t, func(o *setup) {
		o.upload.Slots, o.upload.QueueWait, o.upload.Inspector = 1, time.Millisecond, inspector
	})
	l := s.makeLink("")
	first := make(chan answer)
	go func() { first <- s.postRaw(l.URL, "a.png", pngOf(1)) }()
	<-inspector.entered
	a := s.post(l.URL, testFile{"b.png", pngOf(2)}, testFile{"c.png", pngOf(3)})
	if a.code() != "overloaded" || a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if got := a.outcome(t); got != "overloaded overloaded" {
		t.Errorf("got %s", got)
	}
	close(inspector.let)
	if a := <-first; a.code() != "undecodable" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	s.wantKept(0)
}

func refused(name string, err error) upload.Result {
	return upload.Result{Filename: name, Status: upload.Rejected, Err: err}
}

// TestAwayIsAskedOnce: a request with many files does not wait for a store that
// is away once for each.
func TestAwayIsAskedOnce(t *testing.T) {
	t.Parallel()
	for _, away := range []error{problem.ErrUnavailable, upload.ErrOverloaded} {
		asked := 0
		in := &intake.Files{Max: 5, Buffers: new(intake.Buffers), CodeOf: db.CodeOf, Reject: refused, Accept: func(name string, file io.Reader) upload.Result {
			asked++
			return upload.Result{Filename: name, Status: upload.Rejected, Err: away}
		}}
		body, contentType := form(testFile{"a", nil}, testFile{"b", nil}, testFile{"c", nil})
		boundary, _, err := intake.Boundary(contentType)
		must(t, err)
		must(t, in.Form(body, boundary))
		if asked != 1 || len(in.Results) != 3 || !errors.Is(in.Results[2].Err, away) || in.Results[2].Filename != "c" {
			t.Errorf("asked %d times: %v", asked, in.Results)
		}
	}
}

// TestUnavailable: with Postgres gone or hung an upload is told to come back, is
// not kept, and links can still be made.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	t.Run("gone", func(t *testing.T) {
		t.Parallel()
		nobody, err := db.Open(t.Context(), "postgres://127.0.0.1:1/inlet", db.Options{})
		must(t, err)
		defer nobody.Close()
		s := newTestServer(t, func(o *setup) { o.pool = nobody })
		l, limited := s.makeLink(""), s.makeLink(`{"expires_in":"1h","max_files":3}`)
		s.wantUnavailable(s.post(l.URL, testFile{"a.png", pngOf(1)}, testFile{"b.png", pngOf(2)}))
		s.wantUnavailable(s.postRaw(limited.URL, "a.png", pngOf(1)))
		s.wantUnavailable(s.send("GET", limited.URL, nil, "Accept", typeJSON))
		s.wantUnavailable(s.send("POST", l.URL+"/check", strings.NewReader(sumsJSON(1))))
		s.wantUnavailable(s.operator("GET", "/v1/links", ""))
		s.wantUnavailable(s.operator("DELETE", "/v1/links/x", ""))
		s.wantUnavailable(s.operator("GET", "/v1/images", ""))
		if a := s.send("GET", "/readyz", nil); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(a.body), `"postgres":"unavailable"`) {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a := s.send("GET", l.URL, nil); a.StatusCode != http.StatusOK {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("hung", func(t *testing.T) {
		t.Parallel()
		s := newTestServer(t, func(o *setup) { o.upload.StoreWait = 100 * time.Millisecond })
		l := s.makeLink("")
		tx, err := s.pool.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), `LOCK TABLE images, uploads IN ACCESS EXCLUSIVE MODE`)
		must(t, err)
		s.wantUnavailable(s.post(l.URL, testFile{"a.png", pngOf(1)}, testFile{"b.txt", []byte("text")}, testFile{"c.png", pngOf(2)}))
		must(t, tx.Rollback(t.Context()))
		s.wantKept(0)
		if a := s.postRaw(l.URL, "a.png", pngOf(1)); a.StatusCode != http.StatusCreated {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		s.wantKept(1)
	})
}

func (s *testServer) wantUnavailable(a answer) {
	s.t.Helper()
	if a.StatusCode != http.StatusServiceUnavailable || a.code() != "unavailable" || a.Header.Get("Retry-After") == "" {
		s.t.Errorf("%s %.40s: %d %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body)
	}
}

// TestInternal: what nobody foresaw is a bare 500, logged once without tokens.
func TestInternal(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]handler{
		"panic": func(_ http.ResponseWriter, r *http.Request) error { panic("inner detail of " + param(r, "token")) },
		"error": func(_ http.ResponseWriter, r *http.Request) error {
			return errors.New("inner detail of " + param(r, "token"))
		},
	} {
		s := newTestServer(t)
		s.router.Handler("GET", "/test/:token/"+name, s.handle("/test", h))
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/test/secret/"+name, nil))
		var p Problem
		must(t, json.Unmarshal(rec.Body.Bytes(), &p))
		if rec.Code != 500 || p.Code != "internal" || strings.Contains(p.Detail, "inner") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		log := s.log.String()
		if strings.Count(log, "inner detail") != 1 || strings.Contains(log, "secret") || !strings.Contains(log, rec.Header().Get("X-Request-Id")) {
			t.Errorf("%s: the log is %s", name, log)
		}
	}
}

// TestGone: nobody is answered when the client has left, and that is no failure.
func TestGone(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	h := s.handle("/test", func(_ http.ResponseWriter, r *http.Request) error {
		return fmt.Errorf("query: %w", r.Context().Err())
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	defer func() {
		p, _ := recover().(error)
		if !errors.Is(p, http.ErrAbortHandler) || rec.Body.Len() > 0 || !strings.Contains(s.log.String(), "level=INFO msg=request") {
			t.Errorf("recovered %v, answered %s, logged %s", p, rec.Body, s.log)
		}
	}()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/test", nil).WithContext(ctx))
}

// An upload whose sender leaves while it is being stored is no failure of ours.
func TestGoneUpload(t *testing.T) {
	t.Parallel()
	files, err := blob.Open((&url.URL{Scheme: "file", Path: t.TempDir()}).String())
	must(t, err)
	store := &stuck{Store: files, reached: make(chan struct{})}
	s := newTestServer(t, func(o *setup) { o.blobs = store })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-store.reached
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.makeLink("").URL, bytes.NewReader(pngOf(1)))
	must(t, err)
	if res, err := s.client.Do(req); err == nil {
		res.Body.Close()
		t.Fatalf("it was answered: %s", res.Status)
	}
	await(t, "the request is over", func() bool { return strings.Contains(s.log.String(), "method=POST route=/u/:token") })
	if log := s.log.String(); strings.Contains(log, "level=ERROR") || !strings.Contains(log, "status=499") {
		t.Errorf("logged as a failure: %s", log)
	}
	if out := s.send("GET", "/metrics", nil); !strings.Contains(string(out.body), `inlet_upload_rejected_total{code="unavailable"} 0`) {
		t.Error("counted as a failure")
	}
}

// stuck is a store that keeps nothing before its caller gives up.
type stuck struct {
	blobtest.Store
	reached chan struct{}
}

func (s *stuck) Keep(ctx context.Context, _ *blob.Staged, _ blob.Key) error {
	close(s.reached)
	<-ctx.Done()
	return ctx.Err()
}

func long(n int) string { return strings.Repeat("x", n) }
