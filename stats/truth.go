package stats

import (
	"context"

	"inlet/db"
	"inlet/link"
)

// Truth counts in SQL what the counters hold. (Package catalog does: it owns the
// rows, and stands above this one.) q is a snapshot, or the pool.
type Truth interface {
	// Count counts everything but links and clients as one Delta: what all events
	// come to. Its days begin with since, a date, and have their uploaders.
	Count(ctx context.Context, q db.Querier, since string) (Delta, error)
	// Clients calls fn once for every client of every day from since on.
	Clients(ctx context.Context, q db.Querier, since string, fn func(date, client string) error) error
	// Links calls fn for the used links of these ids; no ids are all.
	Links(ctx context.Context, q db.Querier, ids []link.ID, fn func(Link) error) error
}

const rejectedQuery = `SELECT coalesce(sum(files), 0)::bigint FROM rejections`

// count counts everything but links and clients: what apply.lua would have come
// to by applying every event. Days before since are left out.
func (s *Service) count(ctx context.Context, q db.Querier, since string) (*tally, error) {
	d, err := s.truth.Count(ctx, q, since)
	if err != nil {
		return nil, err
	}
	if err := q.QueryRow(ctx, rejectedQuery).Scan(&d.Rejected); err != nil {
		return nil, err
	}

	t := newTally()
	t.add(d, since)
	for _, day := range d.Days {
		t.on(day.Date).uploaders = day.Uploaders
	}

	return t, nil
}
