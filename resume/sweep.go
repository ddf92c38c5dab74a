package resume

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// Nobody may be writing.
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

// Sweep removes sessions that have expired and results that are no longer told,
// with their bytes, and bytes that have no session. It returns how many uploads
// were removed.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int, error) {
	removed := 0
	for {
		expired, err := s.storedIDs(ctx, sweepQuery, now)
		if err != nil {
			return removed, fmt.Errorf("resume: sweep sessions: %w", err)
		}
		if len(expired) == 0 {
			break
		}
		if err := s.removeAll(ctx, expired); err != nil {
			return removed, err
		}
		removed += len(expired)
	}
	old, err := s.Store.Older(ctx, now.Add(-debrisLife))
	if err != nil {
		return removed, err
	}
	ownerless, err := s.storedIDs(ctx, ownerlessQuery, old)
	if err != nil {
		return removed, fmt.Errorf("resume: sweep bytes: %w", err)
	}
	return removed + len(ownerless), s.removeAll(ctx, ownerless)
}

func (s *Service) storedIDs(ctx context.Context, query string, arg any) ([]string, error) {
	rows, err := s.Pool.Query(ctx, query, arg)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (s *Service) removeAll(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if err := s.Store.Remove(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// ages are the times at which something of each upload was last written.
type ages map[string]time.Time

func (a ages) note(id string, written time.Time) {
	if written.After(a[id]) {
		a[id] = written
	}
}

// before gives the uploads of which nothing was written since t.
func (a ages) before(t time.Time) (ids []string) {
	for id, written := range a {
		if written.Before(t) {
			ids = append(ids, id)
		}
	}
	return ids
}
