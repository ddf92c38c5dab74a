package db_test

import (
	"context"
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db"
	"inlet/db/dbtest"
)

// released is a database that the released version has filled: testdata/README.md.
//
//go:embed testdata/released.sql
var released string

// tables maps the tables of the released schema to their names today.
var tables = map[string]string{
	"aliases":         "aliases",
	"fingerprints":    "fingerprints",
	"folded":          "merges",
	"images":          "images",
	"installation":    "installation",
	"labels":          "labels",
	"link_usage":      "link_usage",
	"links_seen":      "links",
	"near":            "near",
	"outbox":          "outbox",
	"recent":          "recent",
	"rejections":      "rejections",
	"removals":        "removals",
	"revoked_links":   "revoked_links",
	"stats_state":     "stats_state",
	"upload_sessions": "upload_sessions",
	"uploads":         "uploads",

	"goose_db_version":   "goose_db_version",
	"river_job":          "river_job",
	"river_migration":    "river_migration",
	"river_notification": "river_notification",
	"river_queue":        "river_queue",
}

// columns gives, for "table.column" of the released schema, the expression over
// today's table that has the same value. A column that is not here keeps its name.
var columns = map[string]string{
	"river_job.kind": `CASE kind WHEN 'merge' THEN 'fold' WHEN 'settle_recent' THEN 'settle_alike'
		WHEN 'sweep_contents' THEN 'sweep_orphans' ELSE kind END`,
	"river_job.queue": `CASE queue WHEN 'merge' THEN 'fold' WHEN 'upkeep' THEN 'default' ELSE queue END`,
}

// grow are the tables to which a migration adds rows.
var grow = []string{"goose_db_version", "river_migration"}

// Migrate keeps every row of the released schema, and every value in it.
func TestMigrateReleased(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	pool, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()

	for _, sql := range []string{`DROP SCHEMA public CASCADE; CREATE SCHEMA public`, released} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	checkReleased(t, pool)

	names := releasedTables(t, pool)
	if known := slices.Sorted(maps.Keys(tables)); !slices.Equal(names, known) {
		t.Fatalf("the released schema has the tables %v, the test knows %v", names, known)
	}
	before, have := map[string][]string{}, map[string][]string{}
	for _, table := range names {
		have[table] = columnsOf(t, pool, table)
		before[table] = rowsOf(t, pool, table, quoted(have[table]))
	}

	// Again does nothing.
	for range 2 {
		if err := db.Migrate(context.Background(), url, db.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	pool.Reset() // of what it has prepared for the old tables
	for _, table := range names {
		list := quoted(have[table])
		for i, column := range have[table] {
			if today, ok := columns[table+"."+column]; ok {
				list[i] = today + " AS " + pgx.Identifier{column}.Sanitize()
			}
		}
		after := rowsOf(t, pool, tables[table], list)
		if len(after) != len(before[table]) && !slices.Contains(grow, table) {
			t.Errorf("%s: %d rows became %d", table, len(before[table]), len(after))
		}
		missing(t, table, before[table], after)

		// Replicas of the released version read the old name.
		if table != tables[table] {
			missing(t, table, before[table], rowsOf(t, pool, table, quoted(have[table])))
		}
	}
	checkHashes(t, pool)
	checkRenamed(t, pool)
}

// checkHashes checks that each picture has the beginning of its fingerprint's
// hash, and those without a fingerprint have none.
func checkHashes(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for what, query := range map[string]string{
		"hashes":                    `SELECT count(*) > 0 FROM images WHERE phash IS NOT NULL`,
		"only right ones":           `SELECT bool_and(phash = left(hash::text, 64)::bit(64)::bigint) FROM images JOIN fingerprints ON image_id = id`,
		"none but of a fingerprint": `SELECT count(*) = 0 FROM images WHERE phash IS NOT NULL AND id NOT IN (SELECT image_id FROM fingerprints)`,
	} {
		var so bool
		if err := pool.QueryRow(t.Context(), query).Scan(&so); err != nil || !so {
			t.Errorf("the pictures do not have %s (%v)", what, err)
		}
	}
}

// checkRenamed runs what replicas of the released version write to tables that
// have other names now, and reads it where today's version does. No job waits
// under a name that only they know.
func checkRenamed(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	const link, id = "written by the released version", "00000000-0000-0000-0000-000000000001"
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO links_seen (link_id, label, first_used_at, expires_at) VALUES ($1, nullif($2, ''), $3, $3) ON CONFLICT DO NOTHING`, []any{link, "", time.Now()}},
		{`INSERT INTO links_seen (link_id, label, first_used_at, expires_at) VALUES ($1, nullif($2, ''), $3, $3) ON CONFLICT DO NOTHING`, []any{link, "again", time.Now()}},
		{`INSERT INTO folded (id, image_id) SELECT $1, id FROM images LIMIT 1`, []any{id}},
		{`WITH others AS (UPDATE folded SET image_id = image_id WHERE id = $1 RETURNING 1)
			SELECT 1 / count(*) FROM others`, []any{id}},
		{`SELECT 1 / count(*) FROM links WHERE link_id = $1 AND label IS NULL`, []any{link}},
		{`SELECT 1 / count(*) FROM merges WHERE id = $1`, []any{id}},
		{`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at) VALUES ($1, sha256('x'), 'png', 1, 1, 1, now())`, []any{id}},
		{`INSERT INTO fingerprints (image_id, scope, hash, bands, print)
			VALUES ($1, '', ('x0123456789abcdef' || repeat('5', 48))::bit(256), '{}', '')`, []any{id}},
		{`SELECT 1 / count(*) FROM images WHERE id = $1 AND phash = x'0123456789abcdef'::bigint`, []any{id}},
		{`SELECT FROM lookalikes('', '{1}', repeat('0', 256)::bit(256), 1, 1, 1)`, nil},
		{`SELECT 1 / (count(*) FILTER (WHERE kind = 'merge' AND queue = 'merge')) FROM river_job WHERE state = 'available'`, nil},
	} {
		if _, err := pool.Exec(t.Context(), step.sql, step.args...); err != nil {
			t.Errorf("%v\n%s", err, step.sql)
		}
	}
	waiting := `SELECT id::text FROM river_job WHERE state <> 'running' AND (kind IN ('fold', 'settle_alike', 'sweep_orphans') OR queue = 'fold')`
	if ids := texts(t, pool, waiting); len(ids) > 0 {
		t.Errorf("the jobs %v bear old names", ids)
	}
}

// checkReleased checks that the fixture has what a migration may trip over.
func checkReleased(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for what, query := range map[string]string{
		"payload duplicates":          `aliases WHERE match = 'payload'`,
		"perceptual duplicates":       `aliases WHERE match = 'perceptual'`,
		"exact duplicates":            `uploads WHERE match = 'exact'`,
		"uploads outside their month": `uploads_rest`,
		"pictures of a link's scope":  `images WHERE scope <> ''`,
		"undecodable pictures":        `images WHERE 'undecodable' = ANY (flags)`,
		"pictures not fingerprinted":  `images i WHERE NOT EXISTS (SELECT FROM fingerprints WHERE image_id = i.id)`,
		"pictures not settled":        `recent WHERE NOT settled`,
		"merged pictures":             `folded`,
		"near pairs":                  `near`,
		"labels":                      `labels`,
		"links with a label":          `links_seen WHERE label IS NOT NULL`,
		"links without a label":       `links_seen WHERE label IS NULL`,
		"used links with limits":      `link_usage`,
		"revoked links, used":         `revoked_links JOIN links_seen USING (link_id)`,
		"revoked links, never used":   `revoked_links r WHERE NOT EXISTS (SELECT FROM links_seen s WHERE s.link_id = r.link_id)`,
		"uploads in pieces":           `upload_sessions WHERE result IS NULL AND holder IS NULL`,
		"uploads in pieces, held":     `upload_sessions WHERE result IS NULL AND holder IS NOT NULL`,
		"accepted results":            `upload_sessions WHERE result->>'status' = 'stored'`,
		"refused results":             `upload_sessions WHERE result->'error'->>'code' = 'unsupported-format'`,
		"rejections":                  `rejections`,
		"removals":                    `removals`,
		"events of uploads":           `outbox WHERE event ? 'live'`,
		"events of deletions":         `outbox WHERE (event->>'images')::int < 0`,
		"fold jobs":                   `river_job WHERE kind = 'fold' AND state = 'available'`,
		"decode jobs":                 `river_job WHERE kind = 'decode' AND state = 'available'`,
	} {
		var n int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM `+query).Scan(&n); err != nil || n == 0 {
			t.Errorf("the fixture has %d %s (%v)", n, what, err)
		}
	}
}

// releasedTables lists the tables but for partitions, whose rows their parent
// has, and unlogged ones, which a crash empties.
func releasedTables(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	return texts(t, pool, `
		SELECT relname::text FROM pg_class
		 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relpersistence = 'p'
		 ORDER BY relname COLLATE "C"`)
}

func columnsOf(t *testing.T, pool *pgxpool.Pool, table string) []string {
	t.Helper()
	return texts(t, pool, `
		SELECT attname::text FROM pg_attribute
		 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
}

// rowsOf reads a table, each row as JSON.
func rowsOf(t *testing.T, pool *pgxpool.Pool, table string, list []string) []string {
	t.Helper()
	return texts(t, pool, `SELECT row_to_json(r)::text FROM (SELECT `+strings.Join(list, ", ")+` FROM `+pgx.Identifier{table}.Sanitize()+`) r`)
}

func texts(t *testing.T, pool *pgxpool.Pool, query string, args ...any) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return list
}

func quoted(names []string) (list []string) {
	for _, name := range names {
		list = append(list, pgx.Identifier{name}.Sanitize())
	}
	return list
}

// missing reports rows that are not there any more. Equal rows count each.
func missing(t *testing.T, table string, before, after []string) {
	t.Helper()
	left := map[string]int{}
	for _, row := range after {
		left[row]++
	}
	for _, row := range before {
		if left[row]--; left[row] < 0 {
			t.Errorf("%s: this row is missing or was changed: %.600s", table, row)
		}
	}
}

// An index that an earlier try left invalid is built anew, though others wait to
// migrate meanwhile.
func TestMigrateRebuildsIndexes(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	pool, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, sql := range []string{
		`UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('images_flags'::regclass, 'labels_set_at'::regclass)`,
		`DELETE FROM goose_db_version WHERE version_id >= 12`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := db.Migrate(context.Background(), url, db.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	valid := texts(t, pool, `
		SELECT relname::text FROM pg_class JOIN pg_index ON indexrelid = oid
		 WHERE relname IN ('images_flags', 'labels_set_at') AND indisvalid ORDER BY 1`)
	if !slices.Equal(valid, []string{"images_flags", "labels_set_at"}) {
		t.Errorf("only %v are valid", valid)
	}
}
