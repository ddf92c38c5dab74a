package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/catalog"
	"inlet/db"
	"inlet/db/dbtest"
)

// partitions is what the service runs after the migrations.
func partitions(ctx context.Context, pool *pgxpool.Pool) error {
	return catalog.EnsurePartitions(ctx, pool, time.Now())
}

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
			if err := db.Migrate(context.Background(), url, db.Options{}, partitions); err != nil {
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
