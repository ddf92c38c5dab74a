// Package db owns the connection to Postgres: the pool, the schema, and how structs
// become rows. It promises that a process which starts finds the schema that it was
// built for, however many replicas start at once.
package db

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options of a pool.
type Options struct {
	// MaxConns bounds the connections of this process; 0 means 16.
	MaxConns int32
	// StatementTimeout bounds every statement on the server; 0 means 10 s.
	StatementTimeout time.Duration
	// Pooled says that the URL leads to a pooler which gives the connection to
	// another client after each transaction, as PgBouncer does in its mode
	// transaction. Then a session holds neither prepared statements nor settings,
	// and the server's own statement_timeout counts.
	Pooled bool
	// Tracer sees every statement; nil: none does.
	Tracer pgx.QueryTracer
}

// Open makes a pool. It does not wait for the database: the first use does.
func Open(ctx context.Context, url string, opts Options) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("db: parse the database URL: %w", err)
	}
	if opts.MaxConns == 0 {
		opts.MaxConns = 16
	}
	if opts.StatementTimeout == 0 {
		opts.StatementTimeout = 10 * time.Second
	}
	cfg.MaxConns = opts.MaxConns
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	cfg.ConnConfig.Tracer = opts.Tracer
	params := cfg.ConnConfig.RuntimeParams
	params["timezone"] = "UTC"
	params["application_name"] = "inlet"
	if opts.Pooled {
		// Each query travels whole; the driver asks for its types once.
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		return pgxpool.NewWithConfig(ctx, cfg)
	}
	params["statement_timeout"] = fmt.Sprint(opts.StatementTimeout.Milliseconds())
	// A process that is paused inside a transaction must not hold its locks for ever.
	params["idle_in_transaction_session_timeout"] = "60000"

	return pgxpool.NewWithConfig(ctx, cfg)
}
