package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// store uploads one file that must be new.
func (s *testServer) store(name string, data []byte) testEntry {
	s.t.Helper()
	a := s.postRaw(s.makeLink("").URL, name, data)
	if a.StatusCode != http.StatusCreated {
		s.t.Fatalf("upload %s: %d %s", name, a.StatusCode, a.body)
	}
	return a.results(s.t)[0]
}

func TestImage(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	data := pngOf(1)
	e := s.store("a.png", data)
	want := map[string]string{
		"Content-Type":                 "image/png",
		"Content-Length":               fmt.Sprint(len(data)),
		"ETag":                         `"` + e.SHA256 + `"`,
		"Accept-Ranges":                "bytes",
		"Content-Disposition":          fmt.Sprintf(`inline; filename="%s.png"`, e.ID),
		"Cache-Control":                "private, no-cache",
		"X-Content-Type-Options":       "nosniff",
		"Content-Security-Policy":      "sandbox; default-src 'none'",
		"Cross-Origin-Resource-Policy": "cross-origin",
	}
	for _, method := range []string{"GET", "HEAD"} {
		a := s.send(method, e.URL, nil)
		if a.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", method, a.StatusCode)
		}
		for name, value := range want {
			if got := a.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", method, name, got, value)
			}
		}
		if method == "GET" && !bytes.Equal(a.body, data) {
			t.Error("GET: the bytes are not those that were sent")
		}
	}
}

func TestImageRanges(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	data := pngOf(1)
	e := s.store("a.png", data)
	size, etag := len(data), `"`+e.SHA256+`"`
	all := fmt.Sprintf("bytes */%d", size)
	for _, test := range []struct {
		name    string
		headers []string
		status  int
		body    []byte
		content string // Content-Range
	}{
		{"first bytes", []string{"Range", "bytes=0-9"}, 206, data[:10], fmt.Sprintf("bytes 0-9/%d", size)},
		{"last bytes", []string{"Range", "bytes=-5"}, 206, data[size-5:], fmt.Sprintf("bytes %d-%d/%d", size-5, size-1, size)},
		{"from the tenth", []string{"Range", "bytes=9-"}, 206, data[9:], fmt.Sprintf("bytes 9-%d/%d", size-1, size)},
		{"past the end", []string{"Range", "bytes=3-999999"}, 206, data[3:], fmt.Sprintf("bytes 3-%d/%d", size-1, size)},
		{"beyond the end", []string{"Range", "bytes=999999-"}, 416, nil, all},
		{"malformed", []string{"Range", "bytes=x"}, 416, nil, all},
		{"another unit", []string{"Range", "pages=1-2"}, 200, data, ""},
		{"far too many", []string{"Range", "bytes=" + strings.Repeat("0-0,", 16) + "1-1"}, 200, data, ""},
		{"the same version", []string{"Range", "bytes=0-9", "If-Range", etag}, 206, data[:10], fmt.Sprintf("bytes 0-9/%d", size)},
		{"another version", []string{"Range", "bytes=0-9", "If-Range", `"other"`}, 200, data, ""},
		{"the copy is right", []string{"If-None-Match", etag}, 304, nil, ""},
		{"one copy is right", []string{"If-None-Match", `"x", W/` + etag}, 304, nil, ""},
		{"any copy is right", []string{"If-None-Match", "*"}, 304, nil, ""},
		{"the copy is wrong", []string{"If-None-Match", `"other"`}, 200, data, ""},
		{"the right one", []string{"If-Match", etag}, 200, data, ""},
		{"another one", []string{"If-Match", `"other"`}, 412, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				a := s.send(method, e.URL, nil, test.headers...)
				if a.StatusCode != test.status || a.Header.Get("Content-Range") != test.content {
					t.Errorf("%s: status %d, Content-Range %q", method, a.StatusCode, a.Header.Get("Content-Range"))
				}
				if method == "HEAD" {
					continue
				}
				if test.status < 400 && !bytes.Equal(a.body, test.body) {
					t.Errorf("got %d bytes, want %d", len(a.body), len(test.body))
				}
				if test.status == 416 && a.code() != "range-not-satisfiable" || test.status == 412 && a.code() != "bad-request" {
					t.Errorf("no problem document: %s", a.body)
				}
				if test.status < 400 && a.Header.Get("ETag") != etag {
					t.Errorf("ETag is %q", a.Header.Get("ETag"))
				}
			}
		})
	}
}

func TestImageManyRanges(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	data := pngOf(1)
	e := s.store("a.png", data)
	a := s.send("GET", e.URL, nil, "Range", "bytes=0-3,10-19")
	kind, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if a.StatusCode != http.StatusPartialContent || err != nil || kind != "multipart/byteranges" {
		t.Fatalf("status %d, %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	parts := multipart.NewReader(bytes.NewReader(a.body), params["boundary"])
	for _, want := range [][]byte{data[:4], data[10:20]} {
		part, err := parts.NextPart()
		must(t, err)
		got, err := io.ReadAll(part)
		must(t, err)
		if !bytes.Equal(got, want) || part.Header.Get("Content-Type") != "image/png" {
			t.Errorf("a part is %q as %s, want %q", got, part.Header.Get("Content-Type"), want)
		}
	}
}

// jpegSized is a picture with enough detail to be looked at.
func jpegSized(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func TestVariants(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	e := s.store("a.jpg", jpegSized(t, 500, 300))
	for _, test := range []struct {
		width string
		want  int
	}{{"160", 160}, {"320", 320}, {"640", 500}, {"1280", 500}} {
		for range 2 { // made, and kept
			a := s.send("GET", e.URL+"?width="+test.width, nil)
			got, err := jpeg.DecodeConfig(bytes.NewReader(a.body))
			if a.StatusCode != http.StatusOK || err != nil || got.Width != test.want {
				t.Fatalf("width %s: status %d, %v, %d pixels wide", test.width, a.StatusCode, err, got.Width)
			}
			etag := a.Header.Get("ETag")
			if a.Header.Get("Content-Type") != "image/jpeg" || etag == "" || etag == `"`+e.SHA256+`"` {
				t.Errorf("width %s: %s, ETag %s", test.width, a.Header.Get("Content-Type"), etag)
			}
			if again := s.send("GET", e.URL+"?width="+test.width, nil, "If-None-Match", etag); again.StatusCode != http.StatusNotModified {
				t.Errorf("width %s: asked again: %d", test.width, again.StatusCode)
			}
			head := s.send("HEAD", e.URL+"?width="+test.width, nil)
			if head.Header.Get("ETag") != etag || head.ContentLength != int64(len(a.body)) {
				t.Errorf("width %s: HEAD has %v", test.width, head.Header)
			}
		}
	}
	for _, width := range []string{"0", "-160", "161", "", "x", "160.0", "99999999999999999999"} {
		if a := s.send("GET", e.URL+"?width="+width, nil); a.StatusCode != http.StatusBadRequest || a.code() != "bad-request" {
			t.Errorf("width %q: %d %s", width, a.StatusCode, a.body)
		}
	}
}

func TestVariantNotReady(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	e := s.store("a.png", pngOf(1))
	_, err := s.pool.Exec(context.Background(), `UPDATE images SET format = 'heic'`)
	must(t, err)
	a := s.send("GET", e.URL+"?width=160", nil)
	if a.StatusCode != http.StatusServiceUnavailable || a.code() != "not-ready" || a.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %v %s", a.StatusCode, a.Header, a.body)
	}
	if a := s.send("GET", e.URL, nil); a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "image/heic" {
		t.Errorf("the stored bytes: %d, %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
}

// TestImageLost: a row without its blob is a fault of the service, to be found
// in its log, and nothing that the client has done.
func TestImageLost(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	e := s.store("a.png", pngOf(1))
	for _, name := range s.files("blobs") {
		must(t, os.Remove(filepath.Join(s.root, "blobs", name[:2], name)))
	}
	for _, address := range []string{e.URL, e.URL + "?width=160"} {
		a := s.send("GET", address, nil)
		if a.StatusCode != http.StatusInternalServerError || a.code() != "internal" || strings.Contains(string(a.body), "blob") {
			t.Errorf("got %d %s", a.StatusCode, a.body)
		}
		if a.Header.Get("ETag") != "" || a.Header.Get("Content-Disposition") != "" {
			t.Errorf("the refusal looks like the picture: %v", a.Header)
		}
	}
	if !strings.Contains(s.log.String(), e.ID) {
		t.Errorf("the log does not name the picture:\n%s", s.log)
	}
}

func TestImageUnknown(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	known := s.store("a.png", pngOf(1)).ID
	for _, id := range []string{
		uuid.NewString(), "x", "..", "%00", strings.ToUpper(known), "{" + known + "}", "urn:uuid:" + known,
		strings.ReplaceAll(known, "-", ""), strings.Repeat("9", 5000),
	} {
		for _, request := range [][2]string{
			{"GET", "/v1/images/" + id},
			{"GET", "/v1/images/" + id + "?width=160"},
			{"GET", "/v1/images/" + id + "/metadata"},
			{"DELETE", "/v1/images/" + id},
			{"PUT", "/v1/images/" + id + "/labels"},
		} {
			a := s.operator(request[0], request[1], `{"labels":[]}`)
			if a.StatusCode != http.StatusNotFound || a.code() != "not-found" {
				t.Errorf("%s %.80s: %d %s", request[0], request[1], a.StatusCode, a.body)
			}
		}
	}
	if a := s.send("GET", "/v1/images/"+known, nil); a.StatusCode != http.StatusOK {
		t.Errorf("the known one: %d", a.StatusCode)
	}
}

func TestSignedAccess(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, func(o *setup) { o.signed = true })
	data := jpegSized(t, 400, 300)
	e := s.store("a.jpg", data)
	other := s.store("b.png", pngOf(2))
	bare, query, _ := strings.Cut(e.URL, "?")
	_, foreign, _ := strings.Cut(other.URL, "?")
	exp, sig, _ := strings.Cut(query, "&")
	for _, test := range []struct {
		name, address string
		token         string
		status        int
	}{
		{"as given", e.URL, "", 200},
		{"a variant", e.URL + "&width=160", "", 200},
		{"nothing", bare, "", 403},
		{"a variant without", bare + "?width=160", "", 403},
		{"no expiry", bare + "?" + sig, "", 403},
		{"no signature", bare + "?" + exp, "", 403},
		{"a later expiry", bare + "?exp=99999999999&" + sig, "", 403},
		{"of another picture", bare + "?" + foreign, "", 403},
		{"an unknown picture", s.URL + "/v1/images/" + uuid.NewString() + "?" + query, "", 403},
		{"the operator", bare, testToken, 200},
		{"the operator with a bad signature", bare + "?exp=1&sig=x", testToken, 200},
		{"a wrong token", bare, "wrong", 403},
		{"a wrong token with a signature", e.URL, "wrong", 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			var headers []string
			if test.token != "" {
				headers = []string{"Authorization", "Bearer " + test.token}
			}
			for _, method := range []string{"GET", "HEAD"} {
				a := s.send(method, test.address, nil, headers...)
				if a.StatusCode != test.status {
					t.Errorf("%s: status %d, want %d", method, a.StatusCode, test.status)
				}
				if method == "GET" && test.status == 403 && a.code() != "forbidden" {
					t.Errorf("no problem document: %s", a.body)
				}
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	data := pngOf(1)
	e := s.store("a.png", data)
	s.postRaw(s.makeLink("").URL, "again.png", data)
	a := s.operator("GET", "/v1/images/"+e.ID+"/metadata", "")
	var doc map[string]any
	a.json(t, &doc)
	want := map[string]any{
		"id": e.ID, "sha256": e.SHA256, "format": "png", "width": 16.0, "height": 12.0, "bytes": float64(len(data)),
		"uploads": 2.0, "location": nil, "orientation": nil, "software": nil, "captured_at": nil, "phash": nil,
	}
	for name, value := range want {
		if got, there := doc[name]; !there || got != value {
			t.Errorf("%s is %v, want %v", name, got, value)
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, doc["uploaded_at"].(string)); err != nil {
		t.Error(err)
	}
	assertConforms(t, "ImageWithExif", a.body)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	s.store("kept.png", pngOf(1))
	data := jpegSized(t, 400, 300)
	e := s.store("gone.jpg", data)
	s.postRaw(s.makeLink("").URL, "again.jpg", data)
	if a := s.send("GET", e.URL+"?width=160", nil); a.StatusCode != http.StatusOK {
		t.Fatalf("variant: %d", a.StatusCode)
	}
	s.awaitStats(`"uploads":{"accepted":3,"stored":2,"duplicates":1,"rejected":0}`)
	if a := s.operator("DELETE", "/v1/images/"+e.ID, ""); a.StatusCode != http.StatusNoContent || len(a.body) > 0 {
		t.Fatalf("delete: %d %s", a.StatusCode, a.body)
	}
	for _, address := range []string{"", "?width=160", "/metadata"} {
		if a := s.operator("GET", "/v1/images/"+e.ID+address, ""); a.code() != "not-found" {
			t.Errorf("GET %s afterwards: %d", address, a.StatusCode)
		}
	}
	if a := s.operator("DELETE", "/v1/images/"+e.ID, ""); a.code() != "not-found" {
		t.Errorf("once more: %d", a.StatusCode)
	}
	s.wantKept(1)
	s.awaitStats(`"uploads":{"accepted":1,"stored":1,"duplicates":0,"rejected":0}`)
	s.awaitStats(`"formats":[{"format":"png","images":1}]`)
	// It is no duplicate of what is gone.
	if again := s.store("anew.jpg", data); again.ID == e.ID || again.SHA256 != e.SHA256 {
		t.Errorf("sent anew it is %+v", again)
	}
}

// awaitStats waits until the statistics contain a text.
func (s *testServer) awaitStats(want string) {
	s.t.Helper()
	var last []byte
	defer func() {
		if s.t.Failed() {
			s.t.Logf("the statistics: %s", last)
		}
	}()
	await(s.t, "the statistics have "+want, func() bool {
		last = s.operator("GET", "/v1/stats", "").body
		return strings.Contains(string(last), want)
	})
}

// What cannot be read to its end must not look whole, and of what cannot be read
// at all nothing is sent: it can still be answered.
func TestImageUnreadable(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk has gone")
	f := file{contentType: "image/png", etag: `"x"`, name: "x.png"}
	for _, readable := range []int64{0, 500} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		w.Code = 0
		blob := brokenBlob{bytes.NewReader(make([]byte, 1000)), 1000 - int(readable), broken}
		err := serve(w, r, blob, f)
		if !errors.Is(err, broken) || errors.Is(err, errNotBegun) != (readable == 0) {
			t.Errorf("%d bytes: %v", readable, err)
		}
		if sent := int64(w.Body.Len()); sent != readable || (w.Code == 0) != (readable == 0) {
			t.Errorf("%d bytes: sent %d with status %d", readable, sent, w.Code)
		}
		if readable > 0 && w.Header().Get("Content-Length") != "1000" {
			t.Errorf("got %v", w.Header())
		}
	}
}

// brokenBlob cannot be read to its end.
type brokenBlob struct {
	*bytes.Reader
	missing int // so many bytes at the end
	err     error
}

func (b brokenBlob) Read(p []byte) (int, error) {
	readable := b.Len() - b.missing
	if readable == 0 {
		return 0, b.err
	}
	return b.Reader.Read(p[:min(len(p), readable)])
}

// WriteTo would read past Read.
func (b brokenBlob) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{b}) }

func (b brokenBlob) Close() error { return nil }
func (b brokenBlob) Size() int64  { return b.Reader.Size() }
