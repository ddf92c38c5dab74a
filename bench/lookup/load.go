package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"inlet/db"
	"inlet/embedded/child"
	"inlet/embedded/pgserver"
)

// store is a database full of pictures.
type store struct {
	postgres *pgserver.Server
	options  pgserver.Options
	pool     *pgxpool.Pool
	from     int // number of the first picture
	rows     int // number after the last picture
	loaded   time.Duration
}

const database = "lookup"

// blank is a fingerprint with a blank thumbnail, as long as any other.
const blank = `decode('0000000100000001' || repeat('00', 4640), 'hex')`

// load starts a private server with rows pictures.
func load(ctx context.Context, dir string, rows int) (s *store, err error) {
	log, err := child.OpenLog(filepath.Join(dir, "postgres.log"), 10<<20)
	if err != nil {
		return nil, err
	}

	s = &store{rows: rows, options: pgserver.Options{
		Dir: filepath.Join(dir, "postgres"), Password: rand.Text(), Log: log,
		Settings: map[string]string{
			"fsync": "off", "max_connections": "20", "shared_buffers": "2GB", "maintenance_work_mem": "4GB",
			"max_wal_size": "16GB", "jit": "off", "timezone": "UTC",
		},
		Notice: func(message string) { fmt.Fprintln(os.Stderr, message) },
	}}
	if s.postgres, err = pgserver.Start(ctx, s.options); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.stop(context.WithoutCancel(ctx))
		}
	}()

	if err := s.postgres.CreateDatabase(ctx, database); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, s.postgres.URL(database), db.Options{}); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}

	return s, s.fill(ctx)
}

// fillOther puts pictures into the database that -fill names.
func fillOther(ctx context.Context, o options) error {
	pool, err := db.Open(ctx, o.fill, db.Options{StatementTimeout: time.Hour})
	if err != nil {
		return err
	}
	defer pool.Close()

	return (&store{pool: pool, from: o.from, rows: o.rows[0]}).fill(ctx)
}

func (s *store) open(ctx context.Context) (err error) {
	s.pool, err = db.Open(ctx, s.postgres.URL(database), db.Options{StatementTimeout: time.Hour})
	return err
}

func (s *store) stop(ctx context.Context) {
	if s.pool != nil {
		s.pool.Close()
	}

	s.postgres.Stop(ctx)
}

// restart empties the server's cache, but not the system's, and makes commits
// durable.
func (s *store) restart(ctx context.Context) (err error) {
	s.stop(ctx)
	s.options.Settings["fsync"] = "on"
	if s.postgres, err = pgserver.Start(ctx, s.options); err != nil {
		return err
	}

	return s.open(ctx)
}

// fill inserts the pictures without indexes, builds the indexes, and prints the
// time of each step.
func (s *store) fill(ctx context.Context) error {
	started := time.Now()
	indexes, err := s.dropIndexes(ctx)
	if err != nil {
		return err
	}

	_, err = s.pool.Exec(ctx, `ALTER TABLE fingerprints ALTER print SET DEFAULT `+blank+`, ALTER print SET STORAGE EXTENDED`)
	if err != nil {
		return err
	}
	if err := s.copyRows(ctx); err != nil {
		return err
	}

	fmt.Fprintf(os.Stderr, "%d rows after %.0f s\n", s.rows, time.Since(started).Seconds())
	indexes = append(indexes,
		`ALTER TABLE fingerprints ALTER print DROP DEFAULT, ALTER print SET STORAGE EXTERNAL`,
		`VACUUM ANALYZE images`, `VACUUM ANALYZE fingerprints`, `CHECKPOINT`)
	for _, statement := range indexes {
		built := time.Now()
		if _, err := s.pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}

		fmt.Fprintf(os.Stderr, "%.0f s: %s\n", time.Since(built).Seconds(), statement)
	}

	s.loaded = time.Since(started)

	return nil
}

// dropIndexes drops all indexes but primary keys, and returns the statements that
// build them again.
func (s *store) dropIndexes(ctx context.Context) ([]string, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT 'DROP INDEX ' || indexname, indexdef FROM pg_indexes
		 WHERE tablename IN ('images', 'fingerprints') AND indexname NOT LIKE '%pkey'`)
	if err != nil {
		return nil, err
	}

	var drop, build string
	var drops, builds []string
	_, err = pgx.ForEachRow(rows, []any{&drop, &build}, func() error {
		drops, builds = append(drops, drop), append(builds, build)
		return nil
	})

	for _, statement := range drops {
		if err == nil {
			_, err = s.pool.Exec(ctx, statement)
		}
	}

	return builds, err
}

// copyRows fills both tables. It skips the checks of foreign keys, which hold.
func (s *store) copyRows(ctx context.Context) error {
	var g errgroup.Group
	images := make(chan []any, 1000)
	fingerprints := make(chan []any, 1000)
	g.Go(func() error {
		return s.copyTo(ctx, "images", []string{"id", "sha256", "format", "width", "height", "bytes", "uploaded_at"}, images)
	})

	g.Go(func() error {
		return s.copyTo(ctx, "fingerprints", []string{"image_id", "scope", "hash", "bands"}, fingerprints)
	})

	workers := runtime.GOMAXPROCS(0)
	var makers errgroup.Group
	for w := range workers {
		makers.Go(func() error {
			// Runs of rows keep the table about in order.
			const run = 1000
			for from := s.from + w*run; from < s.rows; from += workers * run {
				for n := from; n < min(from+run, s.rows); n++ {
					image, fingerprint := rowsOf(n)
					select {
					case images <- image:
					case <-ctx.Done():
						return ctx.Err()
					}
					select {
					case fingerprints <- fingerprint:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			}
			return nil
		})
	}

	err := makers.Wait()
	close(images)
	close(fingerprints)

	return errors.Join(err, g.Wait())
}

func (s *store) copyTo(ctx context.Context, table string, columns []string, rows <-chan []any) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}

		_, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
			return <-rows, nil // nil ends the copy
		}))

		return err
	})
}

// rowsOf returns the rows of the nth picture.
func rowsOf(n int) (image, fingerprint []any) {
	id := idOf(n)
	sum := make([]byte, 32)
	_, _ = rand.Read(sum) // never fails
	h := queryOf(picture(n), n).fingerprint.Hash
	var bits []byte
	for _, word := range h {
		bits = binary.BigEndian.AppendUint64(bits, word)
	}

	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)

	return []any{id, sum, "jpeg", 4000, 3000, 3_000_000, at},
		[]any{id, "", pgtype.Bits{Bytes: bits, Len: int32(8 * len(bits)), Valid: true}, h.Bands()}
}
