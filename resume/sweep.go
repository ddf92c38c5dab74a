package resume

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// Spares sessions to which a request may still write.
	sweepQuery = `
		DELETE FROM upload_sessions WHERE id IN (
			SELECT id FROM upload_sessions
			WHERE expires_at < $1 AND (held_until IS NULL OR held_until < now())
			LIMIT 1000 FOR UPDATE SKIP LOCKED)
		RETURNING stored_as`

	ownerlessQuery = `
		SELECT stored FROM unnest($1::text[]) AS stored
		WHERE NOT EXISTS (SELECT FROM upload_sessions WHERE stored_as = stored AND result IS NULL)`
)

// Sweep removes sessions and results that have expired, with their bytes, and bytes
// that have no session. It returns how many uploads it removed.
func (s *Service) Sweep(ctx context.Context, now time.Time) (removed int, err error) {
	for {
		n, err := s.sweep(ctx, sweepQuery, now)
		removed += n
		if err != nil {
			return removed, err
		}
		if n == 0 {
			break
		}
	}

	old, err := s.Store.Older(ctx, now.Add(-debrisLife))
	if err != nil {
		return removed, err
	}
	n, err := s.sweep(ctx, ownerlessQuery, old)

	return removed + n, err
}

// sweep removes from the Store the uploads that a query returns.
func (s *Service) sweep(ctx context.Context, query string, arg any) (removed int, err error) {
	rows, _ := s.Pool.Query(ctx, query, arg) // rows hold the error
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, fmt.Errorf("resume: sweep: %w", err)
	}

	for i, id := range ids {
		if err := s.Store.Remove(ctx, id); err != nil {
			return i, err
		}
	}

	return len(ids), nil
}

// ages are the times of the last write to each upload.
type ages map[string]time.Time

func (a ages) note(id string, written time.Time) {
	if written.After(a[id]) {
		a[id] = written
	}
}

// before lists the uploads that nobody wrote to since t.
func (a ages) before(t time.Time) (ids []string) {
	for id, written := range a {
		if written.Before(t) {
			ids = append(ids, id)
		}
	}
	return ids
}
