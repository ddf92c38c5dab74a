package s3_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"inlet/blob/s3"
	"inlet/blob/s3/s3test"
)

// proxy stands before a server, notes what it is asked, and may answer itself.
type proxy struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []string                                                 // METHOD name, without the bucket
	answer func(w http.ResponseWriter, r *http.Request) (done bool) // nil: never
}

func newProxy(t *testing.T, server *s3test.Server) *proxy {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
	}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		p.seen = append(p.seen, r.Method+" "+name)
		answer := p.answer
		p.mu.Unlock()
		if answer == nil || !answer(w, r) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// open opens a store through the proxy and forgets that.
func (p *proxy) open(t *testing.T, server *s3test.Server) *s3.Store {
	t.Helper()
	u, err := url.Parse(server.Bucket())
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"endpoint": {p.URL}}.Encode()
	s, err := s3.Open(t.Context(), s3.Options{
		URL: u.String(), Staging: t.TempDir(), Credentials: credentials.NewStaticV4(server.Access, server.Secret, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.requests()
	return s
}

// requests gives those since it was last called.
func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := p.seen
	p.seen = nil
	return seen
}

func (p *proxy) answers(f func(w http.ResponseWriter, r *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}
