package stats

import (
	"context"

	"inlet/db"
	"inlet/link"
)

// Truth counts in SQL what the counters hold. Package catalog implements it: it owns
// the rows and stands above this package. q is a snapshot, or the pool.
type Truth interface {
	// Count counts everything but links and clients as one Delta, the sum of all
	// events. Its days begin with the date since, and have their Uploaders.
	Count(ctx context.Context, q db.Querier, since string) (Delta, error)
	// Clients calls fn once for every client of every day from since on.
	Clients(ctx context.Context, q db.Querier, since string, fn func(date, client string) error) error
	// Links calls fn for each used link of these ids; nil means all links.
	Links(ctx context.Context, q db.Querier, ids []link.ID, fn func(Link) error) error
}

const rejectedQuery = `SELECT coalesce(sum(files), 0)::bigint FROM rejections`

// count is Truth.Count with the refused files, whose table this package owns.
func (s *Service) count(ctx context.Context, q db.Querier, since string) (Delta, error) {
	d, err := s.truth.Count(ctx, q, since)
	if err == nil {
		err = q.QueryRow(ctx, rejectedQuery).Scan(&d.Rejected)
	}
	return d, err
}
