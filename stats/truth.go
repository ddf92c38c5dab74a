package stats

import (
	"context"

	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/link"
)

// Truth counts in SQL what the counters hold. Package catalog implements it: it owns
// the rows and stands above this package. q is a snapshot, or the pool.
type Truth interface {
	// Count counts everything but links and clients as one Delta, the sum of all
	// events. Its days begin with since.Day, and have their Uploaders. Count calls
	// recent with what minutes and hours hold from since.Hour on; these may be many.
	Count(ctx context.Context, q db.Querier, since Since, recent func(Recent) error) (Delta, error)
	// Clients calls fn once for every client of every day from since on.
	Clients(ctx context.Context, q db.Querier, since string, fn func(date, client string) error) error
	// Links calls fn for each used link of these ids; nil means all links.
	Links(ctx context.Context, q db.Querier, ids []link.ID, fn func(Link) error) error
}

const (
	rejectedQuery = `SELECT coalesce(sum(files), 0)::bigint FROM rejections`

	// The index on rejected_at serves it.
	recentlyRejectedQuery = `
		SELECT date_bin(CASE WHEN rejected_at >= $2 THEN interval '1 minute' ELSE interval '1 hour' END, rejected_at, timestamptz 'epoch'),
			sum(files)::bigint
		FROM rejections WHERE rejected_at >= $1 GROUP BY 1`
)

// count is Truth.Count with the refused files, whose table this package owns.
func (s *Service) count(ctx context.Context, q db.Querier, since Since, recent func(Recent) error) (Delta, error) {
	d, err := s.truth.Count(ctx, q, since, recent)
	if err != nil {
		return d, err
	}
	if err := q.QueryRow(ctx, rejectedQuery).Scan(&d.Rejected); err != nil {
		return d, err
	}

	rows, err := q.Query(ctx, recentlyRejectedQuery, since.Hour, since.Minute)
	if err != nil {
		return d, err
	}
	var r Recent
	_, err = pgx.ForEachRow(rows, []any{&r.At, &r.Rejected}, func() error { return recent(r) })

	return d, err
}
