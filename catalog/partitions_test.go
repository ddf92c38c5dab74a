package catalog_test

import (
	"testing"
	"time"

	"inlet/catalog"
	"inlet/db/dbtest"
)

func TestEnsurePartitions(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	at := time.Date(2040, 1, 31, 23, 59, 59, 0, time.UTC)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
		VALUES ('00000000-0000-0000-0000-000000000001', decode(repeat('00', 32), 'hex'), 'png', 1, 1, 1, $1);`, at)
	if err != nil {
		t.Fatal(err)
	}
	// Two rows arrived before their month had a partition.
	for _, when := range []time.Time{at, at.Add(time.Second)} {
		_, err := pool.Exec(t.Context(), `
			INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client)
			VALUES ($1, '00000000-0000-0000-0000-000000000001', 'l', 'stored', 1, '')`, when)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // again does nothing
		if err := catalog.EnsurePartitions(t.Context(), pool, at); err != nil {
			t.Fatal(err)
		}
	}
	for table, want := range map[string]int{"uploads": 2, "uploads_2040_01": 1, "uploads_2040_02": 1, "uploads_2040_03": 0, "uploads_rest": 0} {
		var n int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != want {
			t.Errorf("%s has %d rows (%v), want %d", table, n, err, want)
		}
	}
}
