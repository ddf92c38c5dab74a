package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"inlet/link"
)

// asBrowser is what browsers ask with when a person opens an address.
const asBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

func TestLinkIsAPageByDefault(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	for accept, want := range map[string]string{
		"":                                  typeHTML,
		"*/*":                               typeHTML,
		"text/*":                            typeHTML,
		"image/png":                         typeHTML,
		asBrowser:                           typeHTML,
		"text/html, application/json":       typeHTML,
		"application/json;q=0.5, */*;q=0.8": typeHTML,
		"application/json":                  typeJSON,
		"application/json, */*":             typeJSON,
		"application/*":                     typeJSON,
		"text/html;q=0.5, application/json": typeJSON,
	} {
		a := s.send("GET", l.URL, nil, "Accept", accept)
		if got := mediaType(a.Header); a.StatusCode != http.StatusOK || got != want {
			t.Errorf("%q: %d %s, want %s", accept, a.StatusCode, got, want)
		}
		if a.Header.Get("Referrer-Policy") != "no-referrer" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %v", accept, a.Header)
		}
		if vary := strings.Join(a.Header.Values("Vary"), ", "); !strings.Contains(vary, "Accept") {
			t.Errorf("%q: Vary is %q", accept, vary)
		}
	}
}

func TestUploadPage(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	hostile := `<script>alert(1)</script>"'{{.}}` + "\u2028"
	spec, err := json.Marshal(map[string]any{"expires_in": "73h", "max_files": 3, "max_bytes": 5_000_000, "label": hostile})
	must(t, err)
	l := s.makeLink(string(spec))
	s.postRaw(l.URL, "a.png", pngOf(1))
	a := s.send("GET", l.URL, nil, "Accept", asBrowser, "Accept-Language", "de")
	page := string(a.body)
	if a.Header.Get("Content-Language") != "de" {
		t.Errorf("got %v", a.Header)
	}
	for _, want := range []string{
		`<html lang="de">`, "Noch 3 Tage offen", "Platz für 2 Bilder", "Platz für 5\u00a0MB",
		"JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC, AVIF, je bis zu 1\u00a0MB", `enctype="multipart/form-data"`,
		"&lt;script&gt;alert(1)&lt;/script&gt;", `href="?lang=en"`, "image/heic", "bis zu 5 Bilder auf einmal",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "<script>alert") || strings.Contains(page, l.Token) {
		t.Error("the page has the label's script, or the token")
	}
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	if data == nil {
		t.Fatalf("there is no data in %s", page)
	}
	var told struct {
		Lang  string
		Link  linkState
		Texts map[string]any
	}
	must(t, json.Unmarshal([]byte(data[1]), &told))
	if told.Link.ID != l.ID || *told.Link.FilesLeft != 2 || *told.Link.Label != hostile || told.Lang != "de" || len(told.Texts) < 20 {
		t.Errorf("the script is told %+v", told.Link)
	}
	// All that the page loads is here, and kept for ever. A browser fetches six
	// files at a time.
	loaded := regexp.MustCompile(`(?:href|src)="(/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(loaded) < 4 || len(loaded) > 6 {
		t.Errorf("the page loads %d files", len(loaded))
	}
	for _, m := range loaded {
		got, err := http.Get(s.URL + m[1])
		must(t, err)
		got.Body.Close()
		if got.StatusCode != http.StatusOK || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", m[1], got.StatusCode, got.Header)
		}
	}
	if a := s.send("HEAD", l.URL, nil, "Accept", asBrowser); a.StatusCode != http.StatusOK || len(a.body) != 0 {
		t.Errorf("HEAD: %d %s", a.StatusCode, a.body)
	}
}

// TestPagesOfRefusedLinks: whoever comes with a link that takes nothing is told
// so in words, and is offered no form.
func TestPagesOfRefusedLinks(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	revoked := s.makeLink("")
	s.operator("DELETE", "/v1/links/"+string(revoked.ID), "")
	used := s.makeLink(`{"expires_in":"1h","max_files":1}`)
	s.postRaw(used.URL, "a.png", pngOf(1))
	for address, want := range map[string]struct {
		status int
		text   string
	}{
		s.mint(func(g *link.Grant) { g.ExpiresAt = g.IssuedAt.Add(time.Minute) }):   {410, "This link has expired"},
		s.mint(func(g *link.Grant) { g.NotBefore = g.ExpiresAt.Add(-time.Minute) }): {403, "This link is not open yet"},
		revoked.URL:                {410, "This link has been closed"},
		used.URL:                   {410, "This link is used up"},
		used.URL + "x":             {403, "This link is not complete"},
		s.URL + "/u/" + long(5000): {403, "This link is not complete"},
	} {
		for _, method := range []string{"GET", "POST"} {
			body, contentType := form(testFile{"b.png", pngOf(2)})
			a := s.send(method, address, body, "Accept", asBrowser, "Content-Type", contentType)
			page := string(a.body)
			if method == "POST" && want.text == "This link is used up" {
				continue // each file has an outcome then
			}
			if a.StatusCode != want.status || mediaType(a.Header) != typeHTML || !strings.Contains(page, want.text) {
				t.Errorf("%s %.60s: %d, want %d and %q\n%s", method, address, a.StatusCode, want.status, want.text, page)
			}
			if strings.Contains(page, "<form") || strings.Contains(page, "<script") {
				t.Errorf("%s %.60s: there is a form or a script", method, address)
			}
		}
	}
	if strings.Contains(s.log.String(), used.Token) {
		t.Error("a token is in the log")
	}
}

// TestUploadPageWithoutPostgres: sending will fail, but perhaps not for long.
func TestUploadPageWithoutPostgres(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink(`{"expires_in":"1h","max_files":3}`)
	tx, err := s.pool.Begin(t.Context())
	must(t, err)
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	_, err = tx.Exec(t.Context(), `LOCK TABLE link_usage IN ACCESS EXCLUSIVE MODE`)
	must(t, err)
	a := s.send("GET", l.URL, nil)
	if a.StatusCode != http.StatusOK || !bytes.Contains(a.body, []byte(`<li id="files-left" hidden>`)) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestFormWithoutScripts: the page's form is answered with a page.
func TestFormWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	body, contentType := form(testFile{"a.png", pngOf(1)}, testFile{"<b>x.png", pngOf(1)}, testFile{"c.txt", []byte("text")})
	a := s.send("POST", l.URL+"?lang=en", body, "Accept", asBrowser, "Content-Type", contentType)
	page := string(a.body)
	if a.StatusCode != http.StatusCreated || mediaType(a.Header) != typeHTML {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	for _, want := range []string{
		"2 of 3 have arrived.", "&lt;b&gt;x.png", ">Stored<", ">We already have this one<", ">Not a picture we can accept<",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	s.wantKept(1)
	if strings.Contains(page, "<b>x") {
		t.Error("a file's name is not escaped")
	}
	for _, test := range []struct {
		name, text string
		files      []testFile
		status     int
	}{
		{"refused", ">Not a picture we can accept<", []testFile{{"c.txt", []byte("text")}}, 415},
		{"nothing chosen", "No pictures arrived", nil, 400},
		{"known", "1 of 1 has arrived.", []testFile{{"a.png", pngOf(1)}}, 200},
	} {
		body, contentType := form(test.files...)
		a := s.send("POST", l.URL, body, "Accept", asBrowser, "Content-Type", contentType)
		if a.StatusCode != test.status || !strings.Contains(string(a.body), test.text) {
			t.Errorf("%s: %d, want %d and %q\n%s", test.name, a.StatusCode, test.status, test.text, a.body)
		}
	}
	// Programs go on getting JSON.
	for _, accept := range []string{"", "*/*", "application/json", "text/html;q=0.5, */*"} {
		body, contentType := form(testFile{"a.png", pngOf(1)})
		if a := s.send("POST", l.URL, body, "Accept", accept, "Content-Type", contentType); mediaType(a.Header) != typeJSON {
			t.Errorf("%q: %s", accept, a.body)
		}
	}
}
