package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"inlet/db"
	"inlet/learn/features"
)

const (
	backfillQuery = `SELECT extractor, before, ended_at FROM backfill`

	setBackfillQuery = `UPDATE backfill SET extractor = $1, before = $2, ended_at = $3`

	// againAfter is when a back-fill that has ended begins anew: jobs may get lost.
	againAfter = 24 * time.Hour
)

// Backfill enqueues the features of stored pictures that have none of the extractor's
// version: those of earlier releases, and those whose job was lost. It goes on from
// where the last call ended, the newest pictures first, and enqueues about limit of
// them. It does nothing while none is left.
func (s *Service) Backfill(ctx context.Context, limit int) (enqueued int, err error) {
	version := s.Extractor.Version()
	var of string
	var before *uuid.UUID
	var ended *time.Time
	if err := s.Pool.QueryRow(ctx, backfillQuery).Scan(&of, &before, &ended); err != nil {
		return 0, fmt.Errorf("read the back-fill: %w", err)
	}
	switch {
	case features.Outranks(of, version): // that of other processes
		return 0, nil
	case of != version || ended != nil && s.Now().Sub(*ended) > againAfter:
		before, ended = nil, nil
	case ended != nil:
		return 0, nil
	}

	for enqueued < limit {
		ids, err := s.Catalog.Newest(ctx, before, page)
		if err != nil {
			return enqueued, err
		}
		missing, err := db.Collect[uuid.UUID](ctx, s.Pool, missingQuery, ids, version)
		if err != nil {
			return enqueued, fmt.Errorf("look for pictures without features: %w", err)
		}
		if err := s.Later.Features(ctx, missing); err != nil {
			return enqueued, err
		}
		enqueued += len(missing)
		if len(ids) < page {
			now := s.Now()
			ended = &now
		}
		if len(ids) > 0 {
			before = &ids[len(ids)-1]
		}
		if _, err := s.Pool.Exec(ctx, setBackfillQuery, version, before, ended); err != nil {
			return enqueued, fmt.Errorf("note how far the back-fill is: %w", err)
		}
		if ended != nil {
			break
		}
	}

	return enqueued, nil
}
