// Package dbtest gives every test a PostgreSQL database of its own, with Inlet's
// schema, in a private server that ends with the tests' process. The server
// stores nothing beyond that, and the machine's own PostgreSQL is never used.
package dbtest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db"
)

const template = "inlet_template"

// Pool opens a fresh, migrated database and drops it after the test.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(context.Background(), URL(t), db.Options{})
	must(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// URL creates a fresh, migrated database, returns its address, and drops it after
// the test.
func URL(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("dbtest: start PostgreSQL: %v", err)
	}

	name := "test_" + strings.ToLower(rand.Text())
	must(t, execute(s, "CREATE DATABASE "+name+" TEMPLATE "+template))

	t.Cleanup(func() {
		if err := execute(s, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	return s.URL(name)
}

func execute(s *server, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()

	_, err = conn.Exec(ctx, sql)
	return err
}
