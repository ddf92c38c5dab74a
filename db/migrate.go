package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// ErrUnreachable says that there is no database at the URL, or not yet.
var ErrUnreachable = errors.New("db: the database cannot be reached")

// Migrate brings the schema up to date: Inlet's own tables and River's. It
// holds an advisory lock, so replicas that start together do it once.
func Migrate(ctx context.Context, url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("db: parse the database URL: %w", err)
	}
	cfg.ConnectTimeout = 5 * time.Second
	conn := stdlib.OpenDB(*cfg)
	defer conn.Close()
	if err := conn.PingContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if err := migrateInlet(ctx, conn); err != nil {
		return fmt.Errorf("db: migrate: %w", err)
	}
	pool, err := Open(ctx, url, Options{MaxConns: 2, StatementTimeout: time.Hour})
	if err != nil {
		return err
	}
	defer pool.Close()
	river, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("db: job queue migrations: %w", err)
	}
	if err := migrateQueue(ctx, pool, river); err != nil {
		return fmt.Errorf("db: migrate the job queue: %w", err)
	}
	return EnsurePartitions(ctx, pool, time.Now())
}

// migrateQueue holds a lock of the session meanwhile: River takes each of its
// steps in a transaction of its own, since some need the one before committed.
func migrateQueue(ctx context.Context, pool *pgxpool.Pool, river *rivermigrate.Migrator[pgx.Tx]) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext('inlet job queue'))`); err != nil {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(hashtext('inlet job queue'))`) //nolint:errcheck // the session ends soon
	_, err = river.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func migrateInlet(ctx context.Context, conn *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
