package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"inlet/db"
	"inlet/db/dbtest"
)

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	pool, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	// From nothing, as several replicas that start together do.
	if _, err := pool.Exec(t.Context(), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := db.Migrate(context.Background(), url, db.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, table := range []string{"images", "uploads", "outbox", "river_job", "uploads_" + time.Now().UTC().Format("2006_01")} {
		var there bool
		if err := pool.QueryRow(t.Context(), `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&there); err != nil || !there {
			t.Errorf("table %s: %v, %v", table, there, err)
		}
	}
}

func TestMigrateUnreachable(t *testing.T) {
	t.Parallel()
	err := db.Migrate(t.Context(), "postgres://nobody:secret@127.0.0.1:1/none", db.Options{})
	if !errors.Is(err, db.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if err := db.Migrate(t.Context(), "://", db.Options{}); err == nil || errors.Is(err, db.ErrUnreachable) {
		t.Errorf("a malformed URL: got %v", err)
	}
}

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
		if err := db.EnsurePartitions(t.Context(), pool, at); err != nil {
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

func TestStatementsHaveALimit(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{StatementTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `SELECT pg_sleep(30)`); err == nil {
		t.Error("a statement ran without end")
	}
}
