package catalog_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/catalog"
	"inlet/db/dbtest"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	box := &[4]float64{5.9, 45.8, 10.5, 47.8}
	good := map[string]catalog.Filter{
		"":                                 {},
		"limit=x&cursor=y&other=z":         {},
		"format=heic":                      {Format: "heic"},
		"camera=canon+EOS+40D":             {Camera: "canon EOS 40D"},
		"link=abc&label=+b%C3%A9b%C3%A9":   {Link: "abc", Label: "bébé"},
		"flag=time-suspect":                {Flag: "time-suspect"},
		"from=2026-03-10":                  {From: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)},
		"to=2026-03-10T12:00:00Z":          {To: noon},
		"to=2026-03-10T14:00:00.5%2B02:00": {To: noon.Add(500 * time.Millisecond)},
		"to=2026-03-10T14:00:00+02:00":     {To: noon},
		"bbox=5.9,45.8,10.5,47.8":          {BBox: box},
		"bbox=5.9,+45.8,+10.5,+47.8":       {BBox: box},
		"bbox=170,-90,-170,90":             {BBox: &[4]float64{170, -90, -170, 90}},
		"bbox=-180,-90,180,90":             {BBox: &[4]float64{-180, -90, 180, 90}},
	}
	for query, want := range good {
		values, err := url.ParseQuery(query)
		must(t, err)
		got, err := catalog.ParseFilter(values)
		if err != nil {
			t.Errorf("%q: %v", query, err)
			continue
		}
		if !got.From.Equal(want.From) || !got.To.Equal(want.To) {
			t.Errorf("%q: from %v to %v", query, got.From, got.To)
		}
		got.From, got.To, want.From, want.To = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", query, got, want)
		}
	}
	bad := []string{
		"format=", "format=jpg", "format=JPEG", "format=svg", "format=jpeg&format=png",
		"camera=", "camera=+", "camera=a%00b", "camera=%ff", "camera=" + strings.Repeat("x", 1001),
		"link=", "link=%00", "flag=", "flag=ugly", "flag=small&flag=dark", "label=", "label=%00",
		"from=", "from=yesterday", "from=2026-13-01", "from=2026-03-10T12:00:00", "from=1234567890", "to=2026-02-30",
		"bbox=", "bbox=1,2,3", "bbox=1,2,3,4,5", "bbox=1,2,3,x", "bbox=NaN,2,3,4", "bbox=-Inf,2,3,4", "bbox=1,91,3,92",
		"bbox=-181,2,3,4", "bbox=1,2,181,4", "bbox=1,4,3,2", "bbox=1e999,2,3,4",
	}
	for _, query := range bad {
		values, err := url.ParseQuery(query)
		must(t, err)
		_, err = catalog.ParseFilter(values)
		name, _, _ := strings.Cut(query, "=")
		if !errors.Is(err, catalog.ErrFilter) || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v; want ErrFilter that names the parameter", query, err)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	day := 24 * time.Hour
	h.addRow("a", row{"uploaded_at": noon, "camera": "Canon EOS 40D", "longitude": 6.0, "latitude": 46.0})
	b := h.addRow("b", row{"uploaded_at": noon.Add(day), "format": "png", "camera": "canon eos 40d", "longitude": 179.0, "latitude": -10.0})
	c := h.addRow("c", row{"uploaded_at": noon.Add(2 * day), "format": "gif", "longitude": -179.0, "latitude": -10.0, "link": "x", "flags": []string{"small", "blurry"}})
	d := h.addRow("d", row{"uploaded_at": noon.Add(3 * day), "camera": "Nikon D70", "link": "x", "flags": []string{"blurry"}})
	h.duplicate(b, "x", noon.Add(4*day), 1)
	for id, labels := range map[uuid.UUID][]string{b: {"cat", "indoor"}, c: {"cat"}, d: {"Cat"}} {
		_, err := h.SetLabels(t.Context(), id, labels)
		must(t, err)
	}
	tests := map[string]string{
		"":                                     "dcba",
		"format=jpeg":                          "da",
		"format=webp":                          "",
		"camera=CANON+EOS+40D":                 "ba",
		"camera=Canon":                         "",
		"camera=%25":                           "",
		"link=x":                               "dcb",
		"link=nobody":                          "",
		"label=cat":                            "cb",
		"label=indoor":                         "b",
		"flag=blurry":                          "dc",
		"flag=small":                           "c",
		"flag=dark":                            "",
		"flag=blurry&label=cat":                "c",
		"from=2026-03-11T12:00:00Z":            "dcb",
		"to=2026-03-11T12:00:00Z":              "a",
		"from=2026-03-11&to=2026-03-12":        "b",
		"from=2026-03-12&to=2026-03-11":        "",
		"bbox=5,45,7,47":                       "a",
		"bbox=6,46,6,46":                       "a",
		"bbox=170,-20,-170,0":                  "cb",
		"bbox=-170,-20,170,0":                  "",
		"bbox=-180,-90,180,90":                 "cba",
		"label=cat&link=x&format=png":          "b",
		"label=cat&bbox=170,-20,-170,0&link=a": "b",
	}
	for query, want := range tests {
		values, err := url.ParseQuery(query)
		must(t, err)
		f, err := catalog.ParseFilter(values)
		must(t, err)
		docs, next, err := h.List(t.Context(), f, 10, "")
		must(t, err)
		if got := contents(docs); got != want || next != "" {
			t.Errorf("%q lists %q, want %q; next %q", query, got, want, next)
		}
		var streamed []catalog.Document
		must(t, h.Stream(t.Context(), f, func(d *catalog.Document) error { streamed = append(streamed, *d); return nil }))
		if got := contents(streamed); got != want {
			t.Errorf("%q streams %q, want %q", query, got, want)
		}
	}
}

// contents tells images by the one letter of their content.
func contents(docs []catalog.Document) string {
	letters := map[string]string{}
	for _, letter := range []string{"a", "b", "c", "d"} {
		letters[string(keyOf(letter))] = letter
	}
	text := ""
	for _, d := range docs {
		text += letters[d.SHA256]
	}
	return text
}

// Pages follow one another without gap or repetition, though images come and
// go meanwhile and many have arrived in the same microsecond.
func TestPages(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var ids []uuid.UUID
	for i := range 100 {
		ids = append(ids, h.addRow(fmt.Sprint(i), row{"uploaded_at": noon.Add(time.Duration(i/10) * time.Microsecond)}))
	}
	h.duplicate(ids[50], "b", noon, 1)
	_, err := h.SetLabels(t.Context(), ids[50], []string{"z", "ä", "Z"})
	must(t, err)
	for _, limit := range []int{1, 7, 10, 99, 100, 101, 100_000} {
		var got []uuid.UUID
		cursor := ""
		for {
			docs, next, err := h.List(t.Context(), catalog.Filter{}, limit, cursor)
			must(t, err)
			for _, d := range docs {
				got = append(got, d.ID)
				if d.ID == ids[50] && (d.Uploads != 2 || !slices.Equal(d.Labels, []string{"Z", "z", "ä"})) {
					t.Errorf("uploads %d, labels %q", d.Uploads, d.Labels)
				}
			}
			if len(docs) > limit || (next != "" && len(docs) != limit) {
				t.Fatalf("%d images on a page of %d", len(docs), limit)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if len(got) != len(ids) {
			t.Fatalf("limit %d: %d images, want %d", limit, len(got), len(ids))
		}
		// They were made with ascending times and ids.
		for i, id := range got {
			if id != ids[len(ids)-1-i] {
				t.Fatalf("limit %d: image %d is out of order", limit, i)
			}
		}
	}
	// The image at the cursor is deleted, and a new one comes.
	_, next, err := h.List(t.Context(), catalog.Filter{}, 10, "")
	must(t, err)
	must(t, h.Delete(t.Context(), ids[90]))
	h.addRow("new", row{"uploaded_at": noon.Add(time.Hour)})
	docs, _, err := h.List(t.Context(), catalog.Filter{}, 10, next)
	must(t, err)
	if docs[0].ID != ids[89] {
		t.Error("the next page does not go on where the last one ended")
	}
	if docs, _, err := h.List(t.Context(), catalog.Filter{}, -5, ""); err != nil || len(docs) != 1 {
		t.Errorf("limit -5: %d images, %v", len(docs), err)
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	encode := base64.RawURLEncoding.EncodeToString
	far := append([]byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 16)...)
	past := append([]byte{0x80, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 16)...)
	for _, cursor := range []string{
		"x", "!", " ", "2", encode([]byte("short")), encode(make([]byte, 23)), encode(make([]byte, 25)), encode(far), encode(past),
		encode(make([]byte, 24)) + "=", encode(make([]byte, 24)) + "\n", strings.Repeat("A", 100_000),
	} {
		if _, _, err := h.List(t.Context(), catalog.Filter{}, 10, cursor); !errors.Is(err, catalog.ErrCursor) {
			t.Errorf("cursor %.40q: %v", cursor, err)
		}
	}
	if docs, next, err := h.List(t.Context(), catalog.Filter{}, 10, encode(make([]byte, 24))); err != nil || len(docs) != 0 || next != "" {
		t.Errorf("a good one: %v", err)
	}
}

// queries counts what is sent to the database.
type queries struct{ atomic.Int64 }

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.Add(1)
	return ctx
}
func (q *queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// manyImages is a service with so many images in the database, a pool of one
// connection to it, and what counts the queries.
func manyImages(t *testing.T, rows int) (*catalog.Service, *pgxpool.Pool, *queries) {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dbtest.URL(t))
	must(t, err)
	sent := &queries{}
	cfg.ConnConfig.Tracer = sent
	cfg.MaxConns = 1 // fn runs queries of its own: none may be held
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	must(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), `
		WITH new AS (
			INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at, camera, exif)
			SELECT gen_random_uuid(), sha256(n::text::bytea), 'jpeg', 1, 1, 1, $1::timestamptz + n / 3 * interval '1 ms',
				repeat('camera ', 20), jsonb_build_object('note', repeat('x', 5000))
			  FROM generate_series(1, $2::int) AS n RETURNING id, uploaded_at)
		INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client)
		SELECT uploaded_at, id, 'a', 'stored', 1, '' FROM new`, noon, rows)
	must(t, err)
	_, err = pool.Exec(t.Context(), `ANALYZE`)
	must(t, err)
	return catalog.New(catalog.Options{Pool: pool}), pool, sent
}

// Not parallel: it looks at the whole process's memory.
func TestStream(t *testing.T) {
	const rows = 20_500 // more than are gathered of one link
	s, pool, sent := manyImages(t, rows)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	sent.Store(0)
	seen := make(map[uuid.UUID]bool, rows)
	before, highest, last := heap(), int64(0), time.Time{}
	err := s.Stream(t.Context(), catalog.Filter{Format: "jpeg"}, func(d *catalog.Document) error {
		if len(seen) > 0 && d.UploadedAt.After(last) {
			t.Errorf("image %d is out of order", len(seen))
		}
		seen[d.ID], last = true, d.UploadedAt
		if d.Uploads != 1 || d.Exif != nil {
			t.Errorf("uploads %d, exif %.20s", d.Uploads, d.Exif)
		}
		if len(seen)%4500 == 0 {
			highest = max(highest, heap()-before)
			return pool.Ping(t.Context())
		}
		return nil
	})
	must(t, err)
	if len(seen) != rows {
		t.Errorf("%d different images, want %d", len(seen), rows)
	}
	if n := sent.Load(); n > rows/1000+1 {
		t.Errorf("%d queries", n)
	}
	t.Logf("%d queries, %d KiB of heap at the most", sent.Load(), highest>>10)
	if highest > 8<<20 {
		t.Errorf("the heap grew by %d KiB", highest>>10)
	}

	walked := 0
	must(t, s.Stream(t.Context(), catalog.Filter{Link: "a"}, func(d *catalog.Document) error {
		if walked++; !seen[d.ID] {
			t.Error("an image that was not there before")
		}
		return nil
	}))
	if walked != rows {
		t.Errorf("%d images of the link, want %d", walked, rows)
	}
	docs, next, err := s.List(t.Context(), catalog.Filter{Link: "a", Camera: "nobody's"}, 10, "")
	if err != nil || len(docs) != 0 || next != "" {
		t.Errorf("%d images, %q, %v", len(docs), next, err)
	}

	enough, calls := errors.New("enough"), 0
	err = s.Stream(t.Context(), catalog.Filter{}, func(*catalog.Document) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("err = %v after %d calls", err, calls)
	}
}

// Documents are what openapi.yaml says.
func TestDocumentSchema(t *testing.T) {
	t.Parallel()
	spec, err := openapi3.NewLoader().LoadFromFile("../web/openapi.yaml")
	must(t, err)
	h := newHarness(t)
	bare := h.addRow("bare", nil)
	full := h.addRow("full", row{
		"camera": "Canon EOS 40D", "make": "Canon", "model": "EOS 40D", "lens": "EF", "software": "s", "captured_at": noon,
		"captured_at_offset": "-03:30", "latitude": -90.0, "longitude": 180.0, "iso": 1, "f_number": 1.4,
		"exposure_time": 1e-5, "focal_length": 50.0, "orientation": 8, "exif": map[string]any{"A": []int{1, 2}},
	})
	_, err = h.SetLabels(t.Context(), full, []string{"cat"})
	must(t, err)
	check := func(schema string, doc catalog.Document) {
		t.Helper()
		text, err := json.Marshal(doc)
		must(t, err)
		var value any
		must(t, json.Unmarshal(text, &value))
		if err := spec.Components.Schemas[schema].Value.VisitJSON(value); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, id := range []uuid.UUID{bare, full} {
		doc, err := h.Metadata(t.Context(), id)
		must(t, err)
		check("ImageWithExif", doc)
	}
	docs, _, err := h.List(t.Context(), catalog.Filter{}, 10, "")
	must(t, err)
	for _, doc := range docs {
		check("Image", doc)
	}
}

// Lists and exports are read from the replica alone: they go on while the
// database that is written to is away.
func TestListReadsTheReplica(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.add("picture", row{"format": "png"})
	away, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none")
	must(t, err)
	defer away.Close()
	s := catalog.New(catalog.Options{Pool: away, Read: h.Pool, Vault: h.Vault})
	for _, filter := range []catalog.Filter{{}, {Link: "L"}, {Format: "png"}} {
		_, _, err := s.List(t.Context(), filter, 10, "")
		must(t, err)
	}
	var streamed []uuid.UUID
	must(t, s.Stream(t.Context(), catalog.Filter{}, func(d *catalog.Document) error {
		streamed = append(streamed, d.ID)
		return nil
	}))
	if len(streamed) != 1 || streamed[0] != id {
		t.Errorf("streamed %v, want %v", streamed, id)
	}
}
