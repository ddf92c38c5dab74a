package upload

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// send makes one transaction of the statements and calls last before the commit.
// The beginning travels with the statements: two round trips in all.
func (s *Service) send(ctx context.Context, b *pgx.Batch, last func() error) error {
	var all pgx.Batch
	all.Queue("begin")
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)

	return s.Pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		err := conn.SendBatch(ctx, &all).Close()
		if err == nil {
			err = last()
		}
		if err != nil {
			// When this fails too, the pool closes the connection: a transaction
			// is open on it.
			_, _ = conn.Exec(ctx, "rollback")
			return err
		}
		_, err = conn.Exec(ctx, "commit")

		return err
	})
}

// sendWithJobs is send with jobs in the transaction.
func (s *Service) sendWithJobs(ctx context.Context, b *pgx.Batch, jobs func(context.Context, pgx.Tx) error, last func() error) error {
	return pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if err := jobs(ctx, tx); err != nil {
			return err
		}

		return last()
	})
}
