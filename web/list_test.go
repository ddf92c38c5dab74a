package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"inlet/catalog"
)

// listed is a page as clients read it.
type listed struct {
	Images []struct{ ID string }
	Next   *string
}

func (l listed) ids() []string {
	ids := []string{}
	for _, image := range l.Images {
		ids = append(ids, image.ID)
	}
	return ids
}

func (s *testServer) list(query string) listed {
	s.t.Helper()
	a := s.operator("GET", "/v1/images"+query, "")
	if a.StatusCode != http.StatusOK {
		s.t.Fatalf("list %s: %d %s", query, a.StatusCode, a.body)
	}
	var l listed
	a.json(s.t, &l)
	return l
}

// fill writes n pictures without blobs, one a second, the last one newest.
func (s *testServer) fill(n int) {
	s.t.Helper()
	_, err := s.pool.Exec(context.Background(), `
		INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at, camera, make)
		SELECT gen_random_uuid(), sha256(n::text::bytea), 'jpeg', n, 1, 1, timestamptz '2026-01-01Z' + n * interval '1 second',
			'Canon EOS 40D', repeat('Canon ', 20)
		FROM generate_series(1, $1) n`, n)
	must(s.t, err)
	_, err = s.pool.Exec(context.Background(), `
		INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client)
		SELECT uploaded_at, id, 'filled', 'stored', 1, '' FROM images WHERE make LIKE 'Canon Canon%'`)
	must(s.t, err)
}

func TestListPages(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	if a := s.operator("GET", "/v1/images", ""); strings.TrimSpace(string(a.body)) != `{"images":[],"next":null}` {
		t.Errorf("an empty service lists %s", a.body)
	}
	s.fill(120)
	if l := s.list(""); len(l.Images) != 50 || l.Next == nil {
		t.Errorf("without a limit there are %d, next %v", len(l.Images), l.Next)
	}
	if l := s.list("?limit=500"); len(l.Images) != 120 || l.Next != nil {
		t.Errorf("with limit 500 there are %d, next %v", len(l.Images), l.Next)
	}
	all := s.list("?limit=500").ids()
	var found []string
	for cursor, pages := "", 1; ; pages++ {
		l := s.list("?limit=40&cursor=" + cursor)
		found = append(found, l.ids()...)
		if l.Next == nil {
			if pages != 3 {
				t.Errorf("there are %d pages", pages)
			}
			break
		}
		cursor = *l.Next
	}
	if !slices.Equal(found, all) {
		t.Errorf("the pages together have %d pictures, or another order", len(found))
	}
}

func TestListRefusals(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for _, query := range []string{
		"limit=0", "limit=501", "limit=-1", "limit=x", "cursor=x", "cursor=%00", "format=svg", "format=", "from=yesterday",
		"to=2026-13-01", "bbox=1,2,3", "bbox=a,b,c,d", "bbox=0,91,1,92", "bbox=NaN,0,1,1", "camera=a%00b",
		"sort=uncertain", "predicted=cat",
	} {
		a := s.operator("GET", "/v1/images?"+query, "")
		if a.StatusCode != http.StatusBadRequest || a.code() != "bad-request" {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
	// Neither does a stream begin.
	for _, form := range []string{typeCSV, typeNDJSON} {
		a := s.send("GET", "/v1/images?format=svg", nil, "Authorization", "Bearer "+testToken, "Accept", form)
		if a.code() != "bad-request" || a.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %d %v", form, a.StatusCode, a.Header)
		}
	}
	if a := s.send("GET", "/v1/images", nil); a.code() != "unauthorized" || a.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("without a token: %d", a.StatusCode)
	}
	if a := s.send("GET", "/v1/images", nil, "Authorization", "Bearer wrong"); a.code() != "forbidden" {
		t.Errorf("with a wrong token: %d", a.StatusCode)
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	first, second := s.makeLink(""), s.makeLink("")
	one := s.postRaw(first.URL, "1.png", pngOf(1)).results(t)[0].ID
	two := s.postRaw(first.URL, "2.jpg", jpegOf(2)).results(t)[0].ID
	s.postRaw(second.URL, "2.jpg", jpegOf(2)) // through both links
	three := s.postRaw(second.URL, "3.gif", gifOf(3)).results(t)[0].ID
	_, err := s.pool.Exec(context.Background(), `
		UPDATE images SET camera = 'Canon EOS 40D', latitude = 47.4, longitude = 8.5, uploaded_at = '2026-03-01T12:00:00Z' WHERE id = $1`, one)
	must(t, err)
	_, err = s.pool.Exec(context.Background(), `UPDATE images SET latitude = -17, longitude = 179.5 WHERE id = $1`, two)
	must(t, err)
	_, err = s.pool.Exec(context.Background(), `INSERT INTO labels (image_id, label) VALUES ($1, 'a cat')`, three)
	must(t, err)
	for query, want := range map[string][]string{
		"":                                      {three, two, one},
		"format=png":                            {one},
		"format=heic":                           {},
		"camera=Canon+EOS+40D":                  {one},
		"camera=canon+eos+40d":                  {one},
		"camera=Canon":                          {},
		"link=" + string(first.ID):              {two, one},
		"link=" + string(second.ID):             {three, two},
		"link=none":                             {},
		"label=a+cat":                           {three},
		"label=cat":                             {},
		"to=2026-03-01T12:00:00Z":               {},
		"from=2026-03-01T12:00:00Z&format=png":  {one},
		"to=2026-03-01T12:00:01Z":               {one},
		"from=2026-03-01T12:00:01Z":             {three, two},
		"from=2026-03-01T13:00:00%2B01:00":      {three, two, one},
		"bbox=8,47,9,48":                        {one},
		"bbox=-180,-90,180,90":                  {two, one},
		"bbox=179,-20,-179,0":                   {two},
		"format=jpeg&link=" + string(second.ID): {two},
		"format=png&link=" + string(second.ID):  {},
		"unknown=1&format=gif&utm_source=mails": {three},
	} {
		if got := s.list("?" + query).ids(); !slices.Equal(got, want) {
			t.Errorf("%s lists %v, want %v", query, got, want)
		}
		a := s.stream("/v1/images?"+query, typeNDJSON)
		if got := bytes.Count(a.body, []byte("\n")); got != len(want) {
			t.Errorf("%s streams %d pictures, want %d", query, got, len(want))
		}
	}
}

// stream asks for a list in another form.
func (s *testServer) stream(path, form string) answer {
	s.t.Helper()
	a := s.send("GET", path, nil, "Authorization", "Bearer "+testToken, "Accept", form)
	if a.StatusCode != http.StatusOK || mediaType(a.Header) != form {
		s.t.Fatalf("%s as %s: %d %s %s", path, form, a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
	return a
}

func TestNDJSON(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	if a := s.stream("/v1/images", typeNDJSON); len(a.body) > 0 {
		t.Errorf("an empty service streams %q", a.body)
	}
	s.fill(2345)
	want := append(s.list("?limit=500").ids(), "…")
	lines := bufio.NewScanner(bytes.NewReader(s.stream("/v1/images?limit=1&cursor=ignored", typeNDJSON).body))
	n := 0
	for ; lines.Scan(); n++ {
		var doc struct{ ID string }
		must(t, json.Unmarshal(lines.Bytes(), &doc))
		if n < 500 && doc.ID != want[n] {
			t.Fatalf("line %d is %s, the list has %s", n, doc.ID, want[n])
		}
		if n%100 == 0 {
			assertConforms(t, "Image", lines.Bytes())
		}
	}
	if n != 2345 {
		t.Errorf("there are %d lines", n)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	e := s.store("a.png", pngOf(1))
	_, err := s.pool.Exec(context.Background(), `
		UPDATE images SET camera = '=cmd|''/C calc''!A0', make = '@SUM(A1)', model = 'EOS, "40D"', lens = E'a\nb', software = '-1+2',
			latitude = -33.86, longitude = 151.21, altitude = -2.5, iso = 100, f_number = 2.8, exposure_time = 0.00125,
			captured_at = '2026-03-01T10:00:00.5Z', captured_at_offset = '+02:00', orientation = 6`)
	must(t, err)
	_, err = s.pool.Exec(context.Background(), `INSERT INTO labels SELECT id, unnest(ARRAY['cat', 'indoor']) FROM images`)
	must(t, err)
	near := s.describe(e.ID)
	a := s.stream("/v1/images", typeCSV)
	table, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
	must(t, err)
	if len(table) != 4 {
		t.Fatalf("there are %d lines:\n%s", len(table), a.body)
	}
	row := map[string]string{}
	for i, name := range table[0] {
		row[name] = table[3][i] // the oldest
	}
	for name, want := range map[string]string{
		"id": e.ID, "sha256": e.SHA256, "format": "png", "width": "16", "height": "12", "bytes": fmt.Sprint(e.Bytes), "uploads": "1",
		"camera.name": `'=cmd|'/C calc'!A0`, "camera.make": "'@SUM(A1)", "camera.model": `EOS, "40D"`, "camera.lens": "a\nb",
		"software": "'-1+2", "location.latitude": "-33.86", "location.longitude": "151.21", "location.altitude": "-2.5",
		"exposure.iso": "100", "exposure.f_number": "2.8", "exposure.time_s": "0.00125", "exposure.focal_mm": "", "orientation": "6",
		"captured_at": "2026-03-01T10:00:00.5Z", "captured_at_offset": "+02:00", "labels": "cat;indoor",
		"phash": "0123456789abcdef", "near": near[0] + ":3;" + near[1] + ":40", "quality.flags": "undecodable",
	} {
		if got, there := row[name]; !there || got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, row["uploaded_at"]); err != nil {
		t.Error(err)
	}
	if got := a.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=images.csv") {
		t.Errorf("Content-Disposition is %q", got)
	}
	s.fill(2000)
	if n := bytes.Count(s.stream("/v1/images?camera=canon+eos+40d", typeCSV).body, []byte("\n")); n != 2001 {
		t.Errorf("there are %d lines", n)
	}
}

// TestColumns: every name of the JSON form is one of the CSV form.
func TestColumns(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(catalog.Document{Location: &catalog.Location{}, Quality: catalog.Quality{}})
	must(t, err)
	var doc map[string]any
	must(t, json.Unmarshal(text, &doc))
	want := map[string]bool{}
	for name, value := range doc {
		inner, nested := value.(map[string]any)
		for part := range inner {
			want[name+"."+part] = true
		}
		if !nested {
			want[name] = true
		}
	}
	got := map[string]bool{}
	for _, c := range columns() {
		got[c.name] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("columns %v\nJSON %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestStreamCutOff: a list that cannot be completed must not look complete.
func TestStreamCutOff(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	s.fill(30000)
	for _, form := range []string{typeNDJSON, typeCSV} {
		r, err := http.NewRequest(http.MethodGet, s.URL+"/v1/images", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Accept", form)
		res, err := s.client.Do(r)
		must(t, err)
		defer res.Body.Close()
		_, err = io.ReadFull(res.Body, make([]byte, 1000))
		must(t, err)
		// The server has stopped where the connection's buffers are full.
		_, err = s.pool.Exec(context.Background(), `ALTER TABLE images RENAME TO hidden`)
		must(t, err)
		if n, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Errorf("%s ended well after %d bytes", form, n)
		}
		_, err = s.pool.Exec(context.Background(), `ALTER TABLE hidden RENAME TO images`)
		must(t, err)
	}
}

// TestStreamFailsAtOnce: a query that fails before anything was sent is
// answered with a problem document.
func TestStreamFailsAtOnce(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	_, err := s.pool.Exec(context.Background(), `ALTER TABLE images RENAME TO hidden`)
	must(t, err)
	for _, form := range []string{typeNDJSON, typeCSV, typeJSON} {
		a := s.send("GET", "/v1/images", nil, "Authorization", "Bearer "+testToken, "Accept", form)
		if a.code() != "internal" || a.Header.Get("Content-Disposition") != "" || strings.Contains(string(a.body), "images") {
			t.Errorf("%s: %d %v %s", form, a.StatusCode, a.Header, a.body)
		}
	}
}

func TestPreferred(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                                 typeJSON,
		"*/*":                              typeJSON,
		"image/png":                        typeJSON,
		"text/csv":                         typeCSV,
		"TEXT/CSV; charset=utf-8":          typeCSV,
		"text/*":                           typeCSV,
		"application/*":                    typeJSON,
		"application/x-ndjson":             typeNDJSON,
		"application/x-ndjson, */*;q=0.1":  typeNDJSON,
		"application/json;q=0.5, text/csv": typeCSV,
		"text/csv;q=0.5, application/json": typeJSON,
		"text/csv;q=0, */*":                typeJSON,
		"application/json;q=0, */*;q=0.5":  typeNDJSON,
		"text/csv;q=x":                     typeJSON,
		"text/csv;q=NaN":                   typeJSON,
		",,;;, text/csv":                   typeCSV,
		"text/html,application/xml;q=.9,*/*;q=.8": typeJSON,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		if got := preferred(r, typeJSON, typeNDJSON, typeCSV); got != want {
			t.Errorf("Accept %q gives %s, want %s", accept, got, want)
		}
	}
}

// TestListIDs: what the list shows can be fetched.
func TestListIDs(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	e := s.store("a.png", pngOf(1))
	ids := s.list("?" + url.Values{"limit": {"1"}}.Encode()).ids()
	if len(ids) != 1 || ids[0] != e.ID || uuid.Validate(ids[0]) != nil {
		t.Errorf("listed %v, uploaded %s", ids, e.ID)
	}
}
