package web

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"inlet/imaging"
	"inlet/link"
)

func TestCreateLink(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	made := s.operator("POST", "/v1/links", fmt.Sprintf(`{"expires_at":%q,"max_files":10,"label":"Größe"}`, at.Format(time.RFC3339)))
	var l newLink
	made.json(t, &l)
	if made.StatusCode != http.StatusCreated || made.Header.Get("Location") != l.URL || l.URL != s.URL+"/u/"+l.Token {
		t.Errorf("%d %s", made.StatusCode, made.body)
	}
	if !l.ExpiresAt.Equal(at) || *l.MaxFiles != 10 || l.MaxBytes != nil || *l.Label != "Größe" {
		t.Errorf("got %s", made.body)
	}
	g, err := s.keys.Verify(l.Token, time.Now())
	if err != nil || g.ID != l.ID || g.MaxFiles != 10 || g.Label != "Größe" {
		t.Errorf("the token grants %+v, %v", g, err)
	}
	if l := s.makeLink(""); l.Label != nil || l.MaxFiles != nil {
		t.Errorf("got %+v", l)
	}
	refused := s.operator("POST", "/v1/links", `{"expires_in":"1h","max_file":3}`)
	if !strings.Contains(string(refused.body), "max_file") {
		t.Errorf("the misspelt field is not named: %s", refused.body)
	}
}

func TestLinkState(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink(`{"expires_in":"1h","max_files":3,"max_bytes":100000,"label":"x"}`)
	size := int64(len(pngOf(1)))
	s.post(l.URL, testFile{"a.png", pngOf(1)}, testFile{"b.png", pngOf(1)}, testFile{"c.png", nil})
	a := s.send("GET", l.URL, nil, "Accept", "application/json")
	var state linkState
	a.json(t, &state)
	if state.ID != l.ID || *state.Label != "x" || !state.ExpiresAt.Equal(l.ExpiresAt) || state.MaxFileBytes != testMaxBytes {
		t.Errorf("got %s", a.body)
	}
	if *state.MaxFiles != 3 || *state.MaxBytes != 100000 || *state.FilesLeft != 1 || *state.BytesLeft != 100000-2*size {
		t.Errorf("got %s", a.body)
	}
	if !slices.Equal(state.Formats, imaging.Formats) {
		t.Errorf("got %v", state.Formats)
	}
	if a.Header.Get("Referrer-Policy") != "no-referrer" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %v", a.Header)
	}
	if a := s.send("HEAD", l.URL, nil); a.StatusCode != http.StatusOK || len(a.body) != 0 {
		t.Errorf("HEAD: %d %s", a.StatusCode, a.body)
	}
	for address, want := range map[string]string{
		s.makeLink("").URL: `"max_files":null,"max_bytes":null,"files_left":null,"bytes_left":null`,
		s.makeLink(`{"expires_in":"1h","max_files":2}`).URL: `"max_files":2,"max_bytes":null,"files_left":2,"bytes_left":null`,
	} {
		if a := s.send("GET", address, nil, "Accept", typeJSON); !strings.Contains(string(a.body), want) {
			t.Errorf("got %s, want %s", a.body, want)
		}
	}
}

func TestListAndRevoke(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	if a := s.operator("GET", "/v1/links", ""); strings.TrimSpace(string(a.body)) != `{"links":[],"next":null}` {
		t.Errorf("got %s", a.body)
	}
	var made []newLink
	for i := range 3 {
		made = append(made, s.makeLink(fmt.Sprintf(`{"expires_in":"1h","label":"%d"}`, i)))
		s.postRaw(made[i].URL, "a.png", pngOf(i))
		s.postRaw(made[i].URL, "b.png", pngOf(100))
	}
	type page struct {
		Links []link.Used
		Next  *string
	}
	var ids []link.ID
	for cursor, rounds := "", 0; rounds < 5; rounds++ {
		var p page
		s.operator("GET", "/v1/links?limit=1&cursor="+cursor, "").json(t, &p)
		for _, l := range p.Links {
			ids = append(ids, l.ID)
		}
		if p.Next == nil {
			break
		}
		cursor = *p.Next
	}
	if want := []link.ID{made[2].ID, made[1].ID, made[0].ID}; !slices.Equal(ids, want) {
		t.Errorf("listed %v, want %v", ids, want)
	}

	// Only what came through this link alone is erased.
	if a := s.operator("DELETE", "/v1/links/"+string(made[1].ID)+"?images=erase", ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	s.wantKept(3)
	if a := s.postRaw(made[1].URL, "a.png", pngOf(7)); a.code() != "link-revoked" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := s.operator("DELETE", "/v1/links/"+string(made[0].ID), ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	s.wantKept(3)
	var p page
	s.operator("GET", "/v1/links", "").json(t, &p)
	revoked := map[link.ID]bool{}
	for _, l := range p.Links {
		revoked[l.ID] = l.Revoked
	}
	if !revoked[made[0].ID] || !revoked[made[1].ID] || revoked[made[2].ID] {
		t.Errorf("revoked: %v", revoked)
	}
	for _, odd := range []string{"unknown", "x%00y", "%ff", long(128), "a%20b", "..", "%27"} {
		for _, query := range []string{"", "?images=erase"} {
			if a := s.operator("DELETE", "/v1/links/"+odd+query, ""); a.StatusCode != http.StatusNoContent {
				t.Errorf("%.20s%s: %d %s", odd, query, a.StatusCode, a.body)
			}
		}
	}
	s.wantKept(3)
}

// TestQRBeforehand: a poster is printed before its link is good.
func TestQRBeforehand(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink(`{"expires_in":"7d","not_before":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`)
	if a := s.send("GET", l.URL+"/qr.svg", nil); a.StatusCode != http.StatusOK {
		t.Errorf("not yet good: %d %s", a.StatusCode, a.body)
	}
	if a := s.send("GET", l.URL+"x/qr.svg", nil); a.code() != "link-invalid" {
		t.Errorf("forged: %d", a.StatusCode)
	}
}

func TestQR(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink(`{"expires_in":"1h","label":"` + strings.Repeat("😀", 200) + `"}`)
	a := s.send("GET", l.URL+"/qr.png", nil)
	img, err := png.Decode(bytes.NewReader(a.body))
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "image/png" || err != nil || img.Bounds().Dx() < 300 {
		t.Fatalf("%d %v %v", a.StatusCode, a.Header, err)
	}
	a2 := s.send("GET", l.URL+"/qr.svg", nil)
	var svg struct {
		ViewBox string `xml:"viewBox,attr"`
		Path    []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	err = xml.Unmarshal(a2.body, &svg)
	if a2.StatusCode != http.StatusOK || a2.Header.Get("Content-Type") != "image/svg+xml" || err != nil || len(svg.Path) != 2 {
		t.Fatalf("%d %v %v", a2.StatusCode, a2.Header, err)
	}
	for _, h := range []http.Header{a.Header, a2.Header} {
		if h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("got %v", h)
		}
	}
	// Both draw the same modules.
	black := map[[2]int]bool{}
	for _, run := range strings.Split(strings.Trim(svg.Path[1].D, "Mz"), "zM") {
		var x, y, n, back int
		if _, err := fmt.Sscanf(run, "%d %dh%dv1h-%d", &x, &y, &n, &back); err != nil || n != back {
			t.Fatalf("run %q: %v", run, err)
		}
		for i := range n {
			black[[2]int{x + i, y}] = true
		}
	}
	modules := img.Bounds().Dx() / 8
	if want := fmt.Sprintf("0 0 %d %d", modules, modules); svg.ViewBox != want {
		t.Errorf("viewBox %s, want %s", svg.ViewBox, want)
	}
	for y := range modules {
		for x := range modules {
			grey, _, _, _ := img.At(8*x+4, 8*y+4).RGBA()
			if (grey == 0) != black[[2]int{x, y}] {
				t.Fatalf("the codes differ at %d, %d", x, y)
			}
		}
	}
	if a := s.send("GET", l.URL+"/qr.gif", nil); a.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
