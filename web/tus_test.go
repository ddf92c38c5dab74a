package web

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlet/link"
)

const offsetStream = "application/offset+octet-stream"

// begin creates an upload; with body it is sent along.
func (s *testServer) begin(link, name string, size int, body []byte, headers ...string) answer {
	s.t.Helper()
	headers = append([]string{
		"Tus-Resumable", "1.0.0", "Upload-Length", strconv.Itoa(size),
		"Upload-Metadata", "filename " + base64.StdEncoding.EncodeToString([]byte(name)),
	}, headers...)
	if body != nil {
		headers = append(headers, "Content-Type", offsetStream)
	}
	return s.send("POST", link+"/tus/", bytes.NewReader(body), headers...)
}

// begun is the address of a new upload.
func (s *testServer) begun(link, name string, size int) string {
	s.t.Helper()
	a := s.begin(link, name, size, nil)
	if a.StatusCode != http.StatusCreated || a.Header.Get("Upload-Expires") == "" {
		s.t.Fatalf("begin: %d %s", a.StatusCode, a.body)
	}
	return a.Header.Get("Location")
}

// patch sends a piece.
func (s *testServer) patch(upload string, offset int, piece []byte, headers ...string) answer {
	s.t.Helper()
	headers = append([]string{"Tus-Resumable", "1.0.0", "Upload-Offset", strconv.Itoa(offset), "Content-Type", offsetStream}, headers...)
	return s.send("PATCH", upload, bytes.NewReader(piece), headers...)
}

// offset asks where an upload goes on.
func (s *testServer) offset(upload string) int {
	s.t.Helper()
	a := s.send("HEAD", upload, nil, "Tus-Resumable", "1.0.0")
	n, err := strconv.Atoi(a.Header.Get("Upload-Offset"))
	if a.StatusCode != http.StatusOK || err != nil {
		s.t.Fatalf("HEAD: %d %v", a.StatusCode, a.Header)
	}
	return n
}

// outcome reads the header that tells a file's result.
func outcome(t *testing.T, a answer) testEntry {
	t.Helper()
	header := a.Header.Get("Inlet-Result")
	if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("Inlet-Result is not ASCII: %q", header)
	}
	var e testEntry
	answer{a.Response, []byte(header)}.json(t, &e)
	assertConforms(t, "Result", []byte(header))
	return e
}

func TestTusInPieces(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l, data, name := s.makeLink(""), pngOf(1), "größe 😀 \"x\".png"

	options := s.send("OPTIONS", l.URL+"/tus/", nil)
	if h := options.Header; options.StatusCode != http.StatusOK || h.Get("Tus-Max-Size") != strconv.Itoa(testMaxBytes) ||
		h.Get("Tus-Extension") != "creation,creation-with-upload,termination,expiration" || h.Get("Tus-Version") != "1.0.0" {
		t.Errorf("OPTIONS: %d %v", options.StatusCode, h)
	}
	if a := s.send("POST", l.URL+"/tus", nil, "Tus-Resumable", "1.0.0", "Upload-Length", "9"); a.StatusCode != http.StatusCreated {
		t.Errorf("without a slash: %d %s", a.StatusCode, a.body)
	} else if a = s.send("DELETE", a.Header.Get("Location"), nil, "Tus-Resumable", "1.0.0"); a.StatusCode != http.StatusNoContent {
		t.Errorf("given up: %d %s", a.StatusCode, a.body)
	}
	upload := s.begun(l.URL, name, len(data))
	if !strings.HasPrefix(upload, l.URL+"/tus/") {
		t.Errorf("Location is %s", upload)
	}
	if a := s.send("GET", upload+"/result", nil); a.StatusCode != http.StatusConflict || a.code() != "bad-request" {
		t.Errorf("the result of nothing: %d %s", a.StatusCode, a.body)
	}
	first := s.patch(upload, 0, data[:20])
	if h := first.Header; first.StatusCode != http.StatusNoContent || h.Get("Upload-Offset") != "20" || h.Get("Inlet-Result") != "" || h.Get("Upload-Expires") == "" {
		t.Errorf("first piece: %d %v %s", first.StatusCode, h, first.body)
	}
	if n := s.offset(upload); n != 20 {
		t.Errorf("goes on at %d", n)
	}
	if a := s.patch(upload, 21, data[21:]); a.StatusCode != http.StatusConflict {
		t.Errorf("another offset: %d %s", a.StatusCode, a.body)
	}
	last := s.patch(upload, 20, data[20:])
	e := outcome(t, last)
	if last.StatusCode != http.StatusNoContent || e.Status != "stored" || e.Filename != name || last.Header.Get("Upload-Offset") != strconv.Itoa(len(data)) {
		t.Errorf("last piece: %d %v %s", last.StatusCode, last.Header, last.body)
	}
	if got := s.send("GET", e.URL, nil); !bytes.Equal(got.body, data) {
		t.Error("the picture came back altered")
	}
	result := s.send("GET", upload+"/result", nil)
	var told testEntry
	result.json(t, &told)
	if result.StatusCode != http.StatusOK || told != e || !strings.Contains(string(result.body), name[:6]) {
		t.Errorf("the result: %d %s", result.StatusCode, result.body)
	}
	if again := s.patch(upload, len(data), nil); again.StatusCode != http.StatusNoContent || outcome(t, again) != e {
		t.Errorf("asked again: %d %v", again.StatusCode, again.Header)
	}
	if n := s.offset(upload); n != len(data) {
		t.Errorf("complete at %d", n)
	}
	s.wantKept(1)
	s.wantCounted(1, 0)
	if left := s.files("tus"); len(left) > 0 {
		t.Errorf("left of the upload: %v", left)
	}
	if log := s.log.String(); strings.Contains(log, l.Token) {
		t.Error("the log has the link's token")
	}
}

// wantCounted checks how many files were accepted and refused.
func (s *testServer) wantCounted(accepted, refused int) {
	s.t.Helper()
	a, r := s.count(`SELECT count(*) FROM uploads`), s.count(`SELECT coalesce(sum(files), 0) FROM rejections`)
	if a != accepted || r != refused {
		s.t.Errorf("%d files were accepted and %d refused, want %d and %d", a, r, accepted, refused)
	}
}

// TestTusAtOnce sends whole files with the creation.
func TestTusAtOnce(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	for _, test := range []struct {
		data         []byte
		status, code string
	}{
		{pngOf(1), "stored", ""},
		{pngOf(1), "duplicate", ""},
		{[]byte("text"), "rejected", "unsupported-format"},
		{[]byte{}, "rejected", "undecodable"},
		{pngOf(1)[:50], "rejected", "undecodable"},
	} {
		for _, along := range []bool{true, false} {
			body := test.data
			if !along {
				body = nil
			}
			a := s.begin(l.URL, "a.png", len(test.data), body)
			upload := a.Header.Get("Location")
			if a.StatusCode != http.StatusCreated {
				t.Fatalf("%.10q: %d %s", test.data, a.StatusCode, a.body)
			}
			if !along && len(test.data) > 0 {
				a = s.patch(upload, 0, test.data)
			}
			e := outcome(t, a)
			if !along && test.status == "stored" {
				e.Status = "stored" // the second of them is a duplicate
			}
			if e.Status != test.status || e.Error == nil && test.code != "" || e.Error != nil && string(e.Error.Code) != test.code {
				t.Errorf("%.10q: %+v", test.data, e)
			}
			for range 2 {
				if r := s.send("GET", upload+"/result", nil); r.StatusCode != http.StatusOK {
					t.Errorf("%.10q: %d %s", test.data, r.StatusCode, r.body)
				}
			}
		}
	}
	s.wantKept(1)
	s.wantCounted(4, 6)
	if left := s.files("tus"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestTusRefused(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l, other := s.makeLink(""), s.makeLink("")
	used := s.makeLink(`{"expires_in":"1h","max_files":1}`)
	if a := s.postRaw(used.URL, "a.png", pngOf(9)); a.StatusCode != http.StatusCreated {
		t.Fatal(a.StatusCode)
	}
	revoked := s.makeLink("")
	lost := s.begun(revoked.URL, "a", 10)
	s.operator("DELETE", "/v1/links/"+string(revoked.ID), "")
	expired := s.mint(func(g *link.Grant) { g.ExpiresAt = g.IssuedAt.Add(time.Minute) })
	upload := s.begun(l.URL, "a.png", 100)
	_, id, _ := strings.Cut(upload, "/tus/")
	stolen := other.URL + "/tus/" + id

	tus := []string{"Tus-Resumable", "1.0.0"}
	with := func(more ...string) []string { return append(tus[:2:2], more...) }
	piece := with("Upload-Offset", "0", "Content-Type", offsetStream)
	for _, test := range []struct {
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		{"POST", l.URL + "/tus/", "", with("Upload-Length", strconv.Itoa(testMaxBytes+1)), 413, "too-large"},
		{"POST", l.URL + "/tus/", "", with(), 400, "bad-request"},
		{"POST", l.URL + "/tus/", "", with("Upload-Length", "-1"), 400, "bad-request"},
		{"POST", l.URL + "/tus/", "", with("Upload-Length", "99999999999999999999"), 400, "bad-request"},
		{"POST", l.URL + "/tus/", "", with("Upload-Defer-Length", "1"), 400, "bad-request"},
		{"POST", l.URL + "/tus/", "", with("Upload-Length", "10", "Upload-Concat", "partial"), 400, "bad-request"},
		{"POST", l.URL + "/tus/", "12345", with("Upload-Length", "3", "Content-Type", offsetStream), 413, "too-large"},
		{"POST", l.URL + "/tus/", "", []string{"Upload-Length", "3"}, 412, "bad-request"},
		{"POST", l.URL + "/tus/", "", []string{"Upload-Length", "3", "Tus-Resumable", "0.2.2"}, 412, "bad-request"},
		{"POST", l.URL + "/tus/", "x", with("Upload-Length", "3", "Content-Encoding", "gzip"), 415, "unsupported-format"},
		{"POST", used.URL + "/tus/", "", with("Upload-Length", "3"), 410, "link-exhausted"},
		{"POST", revoked.URL + "/tus/", "", with("Upload-Length", "3"), 410, "link-revoked"},
		{"POST", expired + "/tus/", "", with("Upload-Length", "3"), 410, "link-expired"},
		{"POST", "/u/x/tus/", "", with("Upload-Length", "3"), 403, "link-invalid"},
		{"OPTIONS", expired + "/tus/", "", nil, 410, "link-expired"},
		{"GET", l.URL + "/tus/", "", nil, 405, "method-not-allowed"},

		{"GET", upload, "", tus, 405, "method-not-allowed"},
		{"PATCH", upload, "x", with("Content-Type", offsetStream), 400, "bad-request"},
		{"PATCH", upload, "x", with("Upload-Offset", "0"), 400, "bad-request"},
		{"PATCH", upload, "x", with("Upload-Offset", "1", "Content-Type", offsetStream), 409, "bad-request"},
		{"PATCH", upload, "x", []string{"Upload-Offset", "0", "Content-Type", offsetStream}, 412, "bad-request"},
		{"PATCH", upload, long(101), piece, 413, "too-large"},
		{"PATCH", upload, "x", append(piece[:6:6], "Content-Encoding", "gzip"), 415, "unsupported-format"},
		{"POST", upload, "x", piece, 400, "bad-request"},
		{"GET", upload + "/result", "", nil, 409, "bad-request"},

		{"HEAD", stolen, "", tus, 404, ""},
		{"PATCH", stolen, "x", piece, 404, "not-found"},
		{"DELETE", stolen, "", tus, 404, "not-found"},
		{"GET", stolen + "/result", "", nil, 404, "not-found"},
		{"GET", l.URL + "/tus//result", "", nil, 404, "not-found"},
		{"HEAD", lost, "", tus, 410, ""},
		{"PATCH", lost, "x", piece, 410, "link-revoked"},
		{"GET", lost + "/result", "", nil, 410, "link-revoked"},
		{"HEAD", l.URL + "/tus/nothing", "", tus, 404, ""},
		{"HEAD", l.URL + "/tus/..%2fa", "", tus, 404, ""},
		{"PATCH", l.URL + "/tus/x%00y", "x", piece, 404, "not-found"},
	} {
		a := s.send(test.method, test.path, strings.NewReader(test.body), test.headers...)
		if a.StatusCode != test.status || a.code() != test.code {
			t.Errorf("%s %s %v: %d %s, want %d %s", test.method, test.path, test.headers, a.StatusCode, a.body, test.status, test.code)
		}
		if a.StatusCode == http.StatusPreconditionFailed && a.Header.Get("Tus-Version") != "1.0.0" {
			t.Errorf("%s: which version is wanted is not said", test.path)
		}
	}
	if n := s.offset(upload); n != 0 {
		t.Errorf("refused bytes were kept: %d", n)
	}
	s.wantCounted(1, 2) // too large and used up; the rest says nothing of a file
}

func TestTusGivenUp(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	for _, override := range []bool{false, true} {
		upload := s.begun(l.URL, "a.png", 100)
		s.patch(upload, 0, make([]byte, 50))
		method, headers := "DELETE", []string{"Tus-Resumable", "1.0.0"}
		if override {
			method, headers = "POST", append(headers, "X-HTTP-Method-Override", "DELETE")
		}
		if a := s.send(method, upload, nil, headers...); a.StatusCode != http.StatusNoContent {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a := s.send("HEAD", upload, nil); a.StatusCode != http.StatusNotFound {
			t.Errorf("still there: %d", a.StatusCode)
		}
	}
	if left := s.files("tus"); len(left) > 0 || s.count(`SELECT count(*) FROM upload_sessions`) != 0 {
		t.Errorf("left: %v", left)
	}
	s.wantCounted(0, 0)
}

// TestTusStoredResults: a session tells its result as before, whether this code or
// the released one wrote its row.
func TestTusStoredResults(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l, id := s.makeLink(""), "0199f1de-8c1e-7c57-9d0a-2f7c4b1f3a55"
	sum, plain := strings.Repeat("0f", 32), strings.NewReplacer(`\u00f6`, "ö", `\u00df`, "ß")
	accepted := `{"filename":"größe \"x\".png","status":"duplicate","id":"` + id + `","url":"` + s.URL + `/v1/images/` + id + `",` +
		`"match":"perceptual","distance":0,"sha256":"` + sum + `","format":"png","width":40,"height":30,"bytes":123}`
	rejected := `{"filename":"a.txt","status":"rejected","error":{"type":"urn:inlet:problem:unsupported-format",` +
		`"title":"Unsupported format","status":415,"detail":"not a picture that the service takes","code":"unsupported-format"}}`
	for name, test := range map[string]struct{ row, told string }{
		"ACCEPTEDRELEASED": {accepted, accepted},
		"REJECTEDRELEASED": {rejected, rejected},
		"ACCEPTEDA": {`{"version":1,"filename":"größe \"x\".png","status":"duplicate","id":"` + id + `",` +
			`"match":"perceptual","distance":0,"sha256":"` + sum + `","format":"png","width":40,"height":30,"bytes":123}`, accepted},
		"REJECTEDA": {`{"version":1,"filename":"a.txt","status":"rejected",` +
			`"error":{"code":"unsupported-format","detail":"not a picture that the service takes"}}`, rejected},
	} {
		_, err := s.pool.Exec(t.Context(), `
			INSERT INTO upload_sessions (id, stored_as, link_id, size, created_at, expires_at, result)
			VALUES ($1, $1, $2, 123, now(), now() + interval '1 h', $3)`, name, string(l.ID), test.row)
		must(t, err)
		upload := l.URL + "/tus/" + name
		if a := s.send("GET", upload+"/result", nil); a.StatusCode != http.StatusOK || string(bytes.TrimSpace(a.body)) != test.told {
			t.Errorf("%s: told %d %s, want %s", name, a.StatusCode, a.body, test.told)
		}
		if a := s.patch(upload, 123, nil); a.StatusCode != http.StatusNoContent || plain.Replace(a.Header.Get("Inlet-Result")) != test.told {
			t.Errorf("%s: told %d %v, want %s", name, a.StatusCode, a.Header, test.told)
		}
	}

	_, err := s.pool.Exec(t.Context(), `UPDATE upload_sessions SET result = '{"version":99}'`)
	must(t, err)
	s.wantUnavailable(s.send("GET", l.URL+"/tus/ACCEPTEDA/result", nil)) // a newer process has it
}
