package catalog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/catalog"
	"inlet/db/dbtest"
	"inlet/imaging/fingerprint"
)

func TestNear(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	hash := fingerprint.Hash{0x00ff_0123_4567_89ab, 1, 2, 3}
	a, b, c := h.add("a", nil), h.add("b", row{"flags": []string{"undecodable"}}), h.add("c", nil)
	d := h.add("d", nil)
	h.fingerprint(a, fmt.Sprintf("%016x%016x%016x%016x", hash[0], hash[1], hash[2], hash[3]))
	h.fingerprint(c, strings.Repeat("f", 64))
	h.near(a, b, 30)
	h.near(a, c, 7)
	h.near(d, a, 30)
	quality := func(flags string) string {
		return `{"sharpness":null,"exposure":null,"contrast":null,"clipped":null,"kind":null,"flags":[` + flags + `]}`
	}
	want := map[uuid.UUID]string{
		a: fmt.Sprintf(`"%s" [{"id":"%s","distance":7},{"id":"%s","distance":30},{"id":"%s","distance":30}] %s`, hash, c, b, d, quality("")),
		b: fmt.Sprintf(`null [{"id":"%s","distance":30}] %s`, a, quality(`"undecodable"`)),
		c: fmt.Sprintf(`"ffffffffffffffff" [{"id":"%s","distance":7}] %s`, a, quality("")),
		d: fmt.Sprintf(`null [{"id":"%s","distance":30}] %s`, a, quality("")),
	}
	check := func(docs ...catalog.Document) {
		t.Helper()
		for _, doc := range docs {
			var text []string
			for _, part := range []any{doc.PHash, doc.Near, doc.Quality} {
				one, err := json.Marshal(part)
				must(t, err)
				text = append(text, string(one))
			}
			if got := strings.Join(text, " "); got != want[doc.ID] {
				t.Errorf("got  %s\nwant %s", got, want[doc.ID])
			}
		}
	}
	checkAll := func() {
		t.Helper()
		docs, _, err := h.List(t.Context(), catalog.Filter{}, 10, "")
		must(t, err)
		if len(docs) != len(want) {
			t.Errorf("%d images are listed, want %d", len(docs), len(want))
		}
		check(docs...)
		for id := range want {
			doc, err := h.Metadata(t.Context(), id)
			must(t, err)
			check(doc)
		}
	}
	checkAll()
	// Those that have gone are near to nobody.
	must(t, h.Delete(t.Context(), b))
	must(t, h.merge(t.Context(), d, c))
	delete(want, b)
	delete(want, d)
	want[a] = fmt.Sprintf(`"%s" [{"id":"%s","distance":7}] %s`, hash, c, quality(""))
	checkAll()
	must(t, h.Delete(t.Context(), a))
	for table, rows := range map[string]int64{"near": 0, "fingerprints": 1, "merges": 1} {
		if n := h.count(`SELECT count(*) FROM ` + table); n != rows {
			t.Errorf("%d rows in %s, want %d", n, table, rows)
		}
	}
}

// A picture that is near to very many lists the nearest.
func TestNearToMany(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	form := h.addRow("form", nil)
	h.exec(`
		WITH pages AS (
			INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
			SELECT gen_random_uuid(), sha256(n::text::bytea), 'jpeg', 1, 1, 1, now() FROM generate_series(1, 300) n RETURNING id
		), numbered AS (SELECT id, row_number() OVER () % 50 AS distance FROM pages)
		INSERT INTO near SELECT id, $1::uuid, distance FROM numbered UNION ALL SELECT $1::uuid, id, distance FROM numbered`, form)
	doc, err := h.Metadata(t.Context(), form)
	must(t, err)
	if len(doc.Near) != 100 || !slices.IsSortedFunc(doc.Near, nearerFirst) || doc.Near[99].Distance != 16 {
		t.Errorf("%d are near, the last one %+v", len(doc.Near), doc.Near[len(doc.Near)-1])
	}
}

// The near-duplicates of one image do not displace those of the next.
func TestNearOfEach(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	form, a, b := h.addRow("form", nil), h.addRow("a", nil), h.addRow("b", nil)
	h.near(a, b, 5)
	h.exec(`
		WITH pages AS (
			INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
			SELECT gen_random_uuid(), sha256(n::text::bytea), 'jpeg', 1, 1, 1, now() FROM generate_series(1, 3000) n RETURNING id
		), numbered AS (SELECT id, row_number() OVER () AS distance FROM pages)
		INSERT INTO near SELECT id, $1::uuid, distance FROM numbered UNION ALL SELECT $1::uuid, id, distance FROM numbered`, form)

	near, err := h.NearOf(t.Context(), []uuid.UUID{form, a, b})
	must(t, err)
	if len(near[form]) != catalog.MaxNearOf || !slices.Equal(near[a], []uuid.UUID{b}) || !slices.Equal(near[b], []uuid.UUID{a}) {
		t.Errorf("%d are near the form, %v and %v the others", len(near[form]), near[a], near[b])
	}
	nearest := h.count(`SELECT max(distance) FROM near WHERE other_id = $1 AND image_id = ANY($2)`, form, near[form])
	if nearest != catalog.MaxNearOf {
		t.Errorf("those near the form have distances up to %d", nearest)
	}
}

func nearerFirst(a, b catalog.Near) int {
	if a.Distance != b.Distance {
		return a.Distance - b.Distance
	}
	return slices.Compare(a.ID[:], b.ID[:])
}

// Whatever refers to images is found by an index when one is deleted.
func TestDeletionGoesByIndexes(t *testing.T) {
	t.Parallel()
	rows, err := dbtest.Pool(t).Query(t.Context(), `
		SELECT k.conrelid::regclass::text || '.' || a.attname,
		       EXISTS (SELECT FROM pg_index x WHERE x.indrelid = k.conrelid AND x.indkey[0] = k.conkey[1] AND x.indpred IS NULL)
		  FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
		 WHERE k.contype = 'f' AND k.confrelid = 'images'::regclass ORDER BY 1`)
	must(t, err)
	var columns []string
	var name string
	var indexed bool
	_, err = pgx.ForEachRow(rows, []any{&name, &indexed}, func() error {
		if columns = append(columns, name); !indexed {
			t.Errorf("%s has no index", name)
		}
		return nil
	})
	must(t, err)
	for _, name := range []string{"uploads.image_id", "fingerprints.image_id", "near.image_id", "near.other_id", "merges.image_id"} {
		if !slices.Contains(columns, name) {
			t.Errorf("%s does not refer to images, only %v", name, columns)
		}
	}
}

// sent keeps what is sent to the database.
type sent []pgx.TraceQueryStartData

func (s *sent) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	*s = append(*s, q)
	return ctx
}
func (s *sent) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// wholeTable is a scan in a plan of a table that is not empty.
var wholeTable = regexp.MustCompile(`Seq Scan on (images|uploads_rest|fingerprints|merges|near|labels)`)

// Nothing that is asked for one picture or a page of them reads a whole table.
func TestQueriesGoByIndexes(t *testing.T) {
	t.Parallel()
	_, pool, _ := manyImages(t, 5000)
	for _, query := range []string{
		`INSERT INTO fingerprints SELECT id, '', (repeat('01', 128))::bit(256), '{}', repeat('x', 5000)::bytea FROM images`,
		`INSERT INTO merges SELECT gen_random_uuid(), id FROM images`,
		`WITH pairs AS (SELECT id, lead(id, 7) OVER () AS other FROM images), there AS (SELECT * FROM pairs WHERE other IS NOT NULL)
		 INSERT INTO near SELECT id, other, 1 FROM there UNION ALL SELECT other, id, 1 FROM there`,
		`INSERT INTO labels SELECT id, 'cat' FROM images`,
		`UPDATE images SET flags = '{small,blurry}' WHERE id IN (SELECT id FROM images ORDER BY id LIMIT 50)`,
		`ANALYZE`,
	} {
		_, err := pool.Exec(t.Context(), query)
		must(t, err)
	}
	var queries sent
	cfg := pool.Config()
	cfg.ConnConfig.Tracer = &queries
	traced, err := pgxpool.NewWithConfig(t.Context(), cfg)
	must(t, err)
	t.Cleanup(traced.Close)
	s := catalog.New(catalog.Options{Pool: traced})
	docs, _, err := s.List(t.Context(), catalog.Filter{}, catalog.MaxLimit, "")
	must(t, err)
	id := docs[10].ID
	_, err = s.Metadata(t.Context(), id)
	must(t, err)
	_, err = s.Get(t.Context(), id)
	must(t, err)
	_, err = s.SetLabels(t.Context(), id, []string{"dog"})
	must(t, err)
	_, _, err = s.List(t.Context(), catalog.Filter{Flag: "blurry"}, catalog.MaxLimit, "")
	must(t, err)

	explained := 0
	for _, q := range queries {
		if !strings.HasPrefix(strings.TrimSpace(q.SQL), "SELECT") {
			continue
		}
		rows, err := pool.Query(t.Context(), `EXPLAIN `+q.SQL, q.Args...)
		must(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		explained++
		if text := strings.Join(plan, "\n"); wholeTable.MatchString(text) {
			t.Errorf("%s\n%s", q.SQL, text)
		}
	}
	if explained < 6 {
		t.Errorf("%d queries were explained", explained)
	}
}

// Of several distances of a pair the smallest counts, both ways.
func TestQueueNear(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	a, b := h.addRow("a", nil), h.addRow("b", nil)
	for _, step := range []struct {
		one, other     uuid.UUID
		distance, want int
	}{{a, b, 20, 20}, {a, b, 30, 20}, {b, a, 7, 7}} {
		var batch pgx.Batch
		catalog.QueueNear(&batch, step.one, step.other, step.distance)
		must(t, h.Pool.SendBatch(t.Context(), &batch).Close())
		var rows, least, most int
		err := h.Pool.QueryRow(t.Context(), `
			SELECT count(*), min(distance), max(distance) FROM near
			 WHERE (image_id, other_id) IN (($1, $2), ($2, $1))`, a, b).Scan(&rows, &least, &most)
		if err != nil || rows != 2 || least != step.want || most != step.want {
			t.Errorf("%v: %d rows, %d to %d, %v", step, rows, least, most, err)
		}
	}
}
