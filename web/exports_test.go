package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// exportURL makes an address for a download.
func (s *testServer) exportURL(spec string) string {
	s.t.Helper()
	a := s.send("POST", "/v1/exports", strings.NewReader(spec), "Authorization", "Bearer "+testToken, "Content-Type", typeJSON)
	if a.StatusCode != http.StatusCreated {
		s.t.Fatalf("export %s: %d %s", spec, a.StatusCode, a.body)
	}
	var made struct {
		URL       string
		ExpiresAt time.Time `json:"expires_at"`
	}
	a.json(s.t, &made)
	if a.Header.Get("Location") != made.URL || made.ExpiresAt.IsZero() {
		s.t.Errorf("Location %q, expires %v of %q", a.Header.Get("Location"), made.ExpiresAt, made.URL)
	}
	return made.URL
}

func TestExports(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	one, two := s.store("1.png", pngOf(1)), s.store("2.jpg", jpegOf(2))
	for format, form := range map[string]string{"csv": typeCSV, "ndjson": typeNDJSON, "zip": typeZIP} {
		a := s.send("GET", s.exportURL(`{"format":"`+format+`"}`), nil)
		if a.StatusCode != http.StatusOK || mediaType(a.Header) != form {
			t.Errorf("%s: %d %v", format, a.StatusCode, a.Header)
		}
		if got := a.Header.Get("Content-Disposition"); got != "attachment; filename=images."+format {
			t.Errorf("%s: Content-Disposition %q", format, got)
		}
		if format != "zip" && string(a.body) != string(s.stream("/v1/images", form).body) {
			t.Errorf("%s is not what the list streams", format)
		}
	}
	a := s.send("GET", s.exportURL(`{"format":"zip","filter":{"format":"png","from":"2020-01-01","camera":""}}`), nil)
	if names, _ := unzip(t, a.body); !slices.Equal(names, []string{one.ID + ".png", "metadata.ndjson"}) {
		t.Errorf("the filter packs %v, not %s or %s", names, one.ID, two.ID)
	}
}

func TestExportRefusals(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for _, spec := range []string{
		`{}`, `{"format":"xml"}`, `{"format":"csv","filter":{"format":"svg"}}`, `{"format":"csv","filter":{"camra":"x"}}`,
		`{"format":"csv","filter":{"bbox":"1,2"}}`, `{"format":"csv","filter":{"from":"yesterday"}}`, `[]`, ``,
		`{"format":"csv","filter":{"camera":["x"]}}`, `{"format":"csv","filter":{"label":{"x":1}}}`, `{"format":"csv","filter":{"label":[]}}`,
	} {
		if a := s.operator("POST", "/v1/exports", spec); a.code() != "bad-request" {
			t.Errorf("%s: %d %s", spec, a.StatusCode, a.body)
		}
	}
	if a := s.send("POST", "/v1/exports", strings.NewReader(`{"format":"csv"}`)); a.code() != "unauthorized" {
		t.Errorf("without the operator's token: %d", a.StatusCode)
	}
	if a := s.send("GET", "/v1/exports/xml", nil); a.code() != "not-found" {
		t.Errorf("an unknown format: %d", a.StatusCode)
	}
}

// TestExportAddress: an address is good as it is, for its time, and nowhere else.
func TestExportAddress(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	s := newTestServer(t, func(o *setup) {
		o.signed = true
		o.web.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	e := s.store("1.png", pngOf(1))
	good, err := url.Parse(s.exportURL(`{"format":"csv","filter":{"camera":"Canon EOS 40D"}}`))
	must(t, err)
	altered := func(change func(*url.URL, url.Values)) string {
		address, query := *good, good.Query()
		change(&address, query)
		address.RawQuery = query.Encode()
		return address.String()
	}
	signer := NewSigner(s.keys.Derive("image access"), time.Now)
	for name, address := range map[string]string{
		"unsigned":         altered(func(_ *url.URL, q url.Values) { q.Del("sig") }),
		"without an end":   altered(func(_ *url.URL, q url.Values) { q.Del("exp") }),
		"prolonged":        altered(func(_ *url.URL, q url.Values) { q.Set("exp", "9999999999") }),
		"of another key":   altered(func(_ *url.URL, q url.Values) { q.Set("sig", strings.Repeat("A", 43)) }),
		"another camera":   altered(func(_ *url.URL, q url.Values) { q.Set("camera", "Canon") }),
		"no camera":        altered(func(_ *url.URL, q url.Values) { q.Del("camera") }),
		"a filter more":    altered(func(_ *url.URL, q url.Values) { q.Set("format", "png") }),
		"a camera more":    altered(func(_ *url.URL, q url.Values) { q.Add("camera", "Canon") }),
		"another format":   altered(func(u *url.URL, _ url.Values) { u.Path = "/v1/exports/zip" }),
		"an image's":       altered(func(_ *url.URL, q url.Values) { q.Set("sig", signer.Query(uuid.MustParse(e.ID)).Get("sig")) }),
		"nothing but path": s.URL + "/v1/exports/csv",
	} {
		if a := s.send("GET", address, nil); a.code() != "forbidden" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	// Neither does the operator's token stand in for the signature, nor the
	// signature of an export for that of a picture.
	if a := s.operator("GET", "/v1/exports/csv", ""); a.code() != "forbidden" {
		t.Errorf("with the operator's token: %d", a.StatusCode)
	}
	if a := s.send("GET", "/v1/images/"+e.ID+"?"+good.RawQuery, nil); a.code() != "forbidden" {
		t.Errorf("a picture by the address of an export: %d", a.StatusCode)
	}
	later.Store(int64(exportFor - 5*time.Second))
	if a := s.send("GET", good.String(), nil); a.StatusCode != http.StatusOK {
		t.Errorf("before its end: %d %s", a.StatusCode, a.body)
	}
	later.Store(int64(exportFor))
	if a := s.send("GET", good.String(), nil); a.code() != "forbidden" {
		t.Errorf("after its end: %d", a.StatusCode)
	}
	if strings.Contains(s.log.String(), good.Query().Get("sig")) {
		t.Error("the log has the signature")
	}
}
