package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"regexp"
	"testing"
)

// assetBase is the address of the pages' assets in their present version.
func (s *testServer) assetBase() string {
	s.t.Helper()
	found := regexp.MustCompile(`"(/assets/[0-9a-f]{16}/)base\.css"`).FindSubmatch(s.send("GET", "/", nil).body)
	if found == nil {
		s.t.Fatal("the console names no base.css")
	}
	return string(found[1])
}

func TestAssets(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	base := s.assetBase()
	address := base + "base.css"
	plain, err := os.ReadFile("pages/assets/base.css")
	must(t, err)
	const forEver, notKept = "public, max-age=31536000, immutable", "no-cache"
	tests := map[string]struct {
		path, accept, caching string
		status                int
		zipped                bool
	}{
		"compressed":                 {path: address, accept: "br, gzip;q=0.5", status: 200, caching: forEver, zipped: true},
		"as it is":                   {path: address, status: 200, caching: forEver},
		"gzip is refused":            {path: address, accept: "gzip;q=0", status: 200, caching: forEver},
		"of another version":         {path: "/assets/0123456789abcdef/base.css", status: 200, caching: notKept},
		"none":                       {path: base + "none.css", status: 404},
		"outside of the folder":      {path: base + "..%2fpages%2fconsole.html", status: 404},
		"a folder":                   {path: base, status: 404},
		"without a version":          {path: "/assets/base.css", status: 404},
		"an encoding nobody speaks ": {path: address, accept: "br", status: 200, caching: forEver},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+test.path, nil)
			must(t, err)
			r.Header.Set("Accept-Encoding", test.accept)
			res, err := http.DefaultClient.Do(r)
			must(t, err)
			defer res.Body.Close()
			if res.StatusCode != test.status {
				t.Fatalf("status %d, want %d", res.StatusCode, test.status)
			}
			if test.status != 200 {
				return
			}
			if got := res.Header.Get("Cache-Control"); got != test.caching {
				t.Errorf("Cache-Control %q, want %q", got, test.caching)
			}
			body := io.Reader(res.Body)
			if zipped := res.Header.Get("Content-Encoding") == "gzip"; zipped != test.zipped {
				t.Fatalf("compressed: %v, want %v", zipped, test.zipped)
			} else if zipped {
				body, err = gzip.NewReader(body)
				must(t, err)
			}
			got, err := io.ReadAll(body)
			must(t, err)
			if string(got) != string(plain) {
				t.Error("the bytes are not those of the file")
			}
		})
	}
}
