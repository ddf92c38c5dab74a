package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/blob/s3/s3test"
)

func TestRedirect(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	kept := store.Open(store.Bucket())
	s := newTestServer(t, func(o *setup) {
		o.signed = true
		o.blobs, o.web.Bucket, o.web.StoreOrigin = kept, kept, store.Endpoint
	})
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	data := jpegSized(t, 400, 300)
	e := s.store("a.jpg", data)
	etag := `"` + e.SHA256 + `"`
	for name, c := range map[string]struct {
		method, suffix string
		headers        []string
		status         int
	}{
		"plain":            {"GET", "", nil, 307},
		"variant":          {"GET", "&width=160", nil, 307},
		"with a token":     {"GET", "", []string{"Authorization", "Bearer " + testToken}, 200},
		"range":            {"GET", "", []string{"Range", "bytes=0-9"}, 307},
		"other copy":       {"GET", "", []string{"If-None-Match", `"x", "y"`}, 307},
		"right copy":       {"GET", "", []string{"If-None-Match", `"x", W/` + etag}, 304},
		"any copy":         {"GET", "", []string{"If-None-Match", "*"}, 304},
		"right version":    {"GET", "", []string{"If-Match", etag}, 200},
		"other version":    {"GET", "", []string{"If-Match", `"x"`}, 412},
		"range of version": {"GET", "", []string{"If-Range", etag, "Range", "bytes=0-9"}, 206},
		"head":             {"HEAD", "", nil, 200},
		"other signature":  {"GET", "0", nil, 403},
		"other width":      {"GET", "&width=161", nil, 400},
	} {
		a := s.send(c.method, e.URL+c.suffix, nil, c.headers...)
		if a.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d: %s", name, a.StatusCode, c.status, a.body)
		}
		if location := a.Header.Get("Location"); (location != "") != (c.status == 307) {
			t.Errorf("%s: goes to %q", name, location)
		}
	}
	small := s.send("GET", e.URL+"&width=160", nil)
	for name, c := range map[string]struct {
		location string
		bytes    []byte
	}{
		"picture": {s.send("GET", e.URL, nil).Header.Get("Location"), data},
		"variant": {small.Header.Get("Location"), nil},
	} {
		res, err := http.Get(c.location)
		must(t, err)
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		must(t, err)
		if res.StatusCode != http.StatusOK || c.bytes != nil && !bytes.Equal(got, c.bytes) || !bytes.HasPrefix(got, data[:2]) ||
			res.Header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "inline; filename=") {
			t.Errorf("%s: %s, %d bytes, %v", name, res.Status, len(got), res.Header)
		}
	}
	if policy := s.send("GET", "/", nil).Header.Get("Content-Security-Policy"); !strings.Contains(policy, " "+store.Endpoint+";") {
		t.Errorf("pages may not show it: %s", policy)
	}
	must(t, kept.Delete(t.Context(), blob.ContentKey(sha256.Sum256(data))))
	if a := s.send("GET", e.URL, nil); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("a lost blob: %d", a.StatusCode)
	}
	store.Kill()
	if a := s.send("GET", e.URL, nil); a.code() != "unavailable" {
		t.Errorf("the store is away: %d %s", a.StatusCode, a.body)
	}
}

// A picture that is deleted after it was opened is not there.
func TestDeletedWhileOpen(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	late := &lateDeletion{Store: store.Open(store.Bucket())} // opens without reading
	s := newTestServer(t, func(o *setup) { o.blobs = late })
	e := s.store("a.png", pngOf(1))
	late.then = sync.OnceFunc(func() { s.operator("DELETE", "/v1/images/"+e.ID, "") })
	if a := s.send("GET", e.URL, nil); a.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// lateDeletion does something once a blob has been opened.
type lateDeletion struct {
	blobtest.Store
	then func()
}

func (l *lateDeletion) Open(ctx context.Context, k blob.Key) (blob.Blob, error) {
	b, err := l.Store.Open(ctx, k)
	if l.then != nil {
		l.then()
	}
	return b, err
}
