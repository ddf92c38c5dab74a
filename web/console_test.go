package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestConsole: the page is a shell that holds nothing, and runs nothing but its
// own files.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	a := s.send("GET", "/", nil)
	if a.StatusCode != http.StatusOK || mediaType(a.Header) != "text/html" {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	policy := a.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part+";") && !strings.HasSuffix(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("policy %q, Cache-Control %q", policy, a.Header.Get("Cache-Control"))
	}
	page := string(a.body)
	if inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son\w+=|javascript:|<script(?:[^>]*)>[^<]`).FindString(page); inline != "" {
		t.Errorf("there is something inline: %q", inline)
	}
	addresses := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(addresses) < 9 {
		t.Errorf("only %d files are named", len(addresses))
	}
	base := s.assetBase()
	for _, found := range addresses {
		if !strings.HasPrefix(found[1], base) && found[1] != "/openapi.yaml" {
			t.Errorf("the page names %s", found[1])
		}
		if b := s.sendUnchecked(t, found[1]); b.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", found[1], b.StatusCode)
		}
	}
	if strings.Contains(page, "data-signed") {
		t.Error("pictures are said to need signatures")
	}
	signed := newTestServer(t, func(o *setup) { o.signed = true })
	if !strings.Contains(string(signed.send("GET", "/", nil).body), "data-signed") {
		t.Error("pictures are not said to need signatures")
	}
}

// sendUnchecked asks for what openapi.yaml does not describe.
func (s *testServer) sendUnchecked(t *testing.T, path string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	must(t, err)
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	must(t, res.Body.Close())
	return res
}
