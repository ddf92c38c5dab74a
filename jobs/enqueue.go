package jobs

import (
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Enqueuer adds jobs to the queue, and shows the queue to the operator. A process
// that runs no jobs has one too.
type Enqueuer struct {
	pool  *pgxpool.Pool
	river *river.Client[pgx.Tx]
}

// NewEnqueuer makes an Enqueuer.
func NewEnqueuer(pool *pgxpool.Pool, log *slog.Logger) (*Enqueuer, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: slog.New(quiet{log.Handler()})})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Enqueuer{pool, client}, nil
}
