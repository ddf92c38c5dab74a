package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// EnsurePartitions makes the monthly partitions of uploads for the month of
// now and the two after it. Any replica may call it at any time.
func EnsurePartitions(ctx context.Context, pool *pgxpool.Pool, now time.Time) error {
	now = now.UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for range 3 {
		next := month.AddDate(0, 1, 0)
		if err := ensurePartition(ctx, pool, month, next); err != nil {
			return fmt.Errorf("catalog: partition of %s: %w", month.Format("2006-01"), err)
		}
		month = next
	}

	return nil
}

func ensurePartition(ctx context.Context, pool *pgxpool.Pool, from, to time.Time) error {
	name := "uploads_" + from.Format("2006_01")

	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('inlet partitions'))`); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil || there {
			return err
		}
		// Rows that arrived before their partition lie in the default one, which
		// would refuse the new one: they move.
		steps := []string{
			fmt.Sprintf(`CREATE TABLE %s (LIKE uploads INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`, name),
			fmt.Sprintf(`WITH moved AS (DELETE FROM uploads_rest WHERE uploaded_at >= '%[2]s' AND uploaded_at < '%[3]s' RETURNING *)
				INSERT INTO %[1]s SELECT * FROM moved`, name, from.Format(time.RFC3339), to.Format(time.RFC3339)),
			fmt.Sprintf(`ALTER TABLE uploads ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')`,
				name, from.Format(time.RFC3339), to.Format(time.RFC3339)),
		}
		for _, step := range steps {
			if _, err := tx.Exec(ctx, step); err != nil {
				return err
			}
		}

		return nil
	})
}
