package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

var (
	// ErrUnreachable says that there is no database at the URL, or not yet.
	ErrUnreachable = errors.New("db: the database cannot be reached")
	// ErrPooled says that a pooler refuses the settings of a session: set
	// Options.Pooled.
	ErrPooled = errors.New("db: there is a pooler in front of the database that keeps no sessions")
)

// Migrate brings the schema up to date, Inlet's own tables and River's, and then
// runs after, under the same lock. Of replicas that start together one migrates,
// and the others wait.
func Migrate(ctx context.Context, url string, opts Options, after ...func(context.Context, *pgxpool.Pool) error) error {
	opts.MaxConns, opts.StatementTimeout = 4, time.Hour
	pool, err := Open(ctx, url, opts)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.Ping(ctx); err != nil {
		return unreachable(err)
	}

	return locked(ctx, pool, func() error {
		if err := migrateInlet(ctx, pool); err != nil {
			return fmt.Errorf("db: migrate: %w", err)
		}
		river, err := rivermigrate.New(riverpgxv5.New(pool), nil)
		if err == nil {
			_, err = river.Migrate(ctx, rivermigrate.DirectionUp, nil)
		}
		if err != nil {
			return fmt.Errorf("db: migrate the job queue: %w", err)
		}
		for _, then := range after {
			if err := then(ctx, pool); err != nil {
				return err
			}
		}

		return nil
	})
}

func unreachable(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && strings.Contains(pgErr.Message, "unsupported startup parameter") {
		return fmt.Errorf("%w: %w", ErrPooled, err)
	}

	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// lockEvery is how long a process waits between two tries to be the one that
// migrates. CREATE INDEX CONCURRENTLY waits for every snapshot, so a process that
// waits holds none: it does not wait in the database.
const lockEvery = 250 * time.Millisecond

// locked runs fn while no other process does. The lock is held by a transaction
// that does nothing else, since a session's would not outlast its first statement
// behind a pooler.
func locked(ctx context.Context, pool *pgxpool.Pool, fn func() error) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return fmt.Errorf("db: %w", err)
		}
		for mine := false; !mine; {
			// In the extended protocol the unnamed portal, and its snapshot, would outlive
			// the statement until the next one of the transaction.
			err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtext('inlet schema'))`, pgx.QueryExecModeSimpleProtocol).Scan(&mine)
			if err != nil {
				return fmt.Errorf("db: wait for another process to migrate: %w", err)
			}
			if mine {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(lockEvery):
			}
		}

		return fn()
	})
}

// busyTries is how often a migration that met others' locks is tried, lockEvery
// apart and with 2 s in each.
const busyTries = 60

func migrateInlet(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	conn := stdlib.OpenDBFromPool(pool)
	defer conn.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files)
	if err != nil {
		return err
	}

	for try := 1; ; try++ {
		if _, err = provider.Up(ctx); !busy(err) || try == busyTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockEvery):
		}
	}
}

// busy tells that a migration gave up for the locks of others: a lock timeout, or
// a deadlock.
func busy(err error) bool {
	var failure *pgconn.PgError

	return errors.As(err, &failure) && (failure.Code == "55P03" || failure.Code == "40P01")
}
