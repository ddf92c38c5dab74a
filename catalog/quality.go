package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging"
	"inlet/stats"
)

const (
	// A flag that is there already, also one that another job has set, stays.
	setQualityQuery = `
		UPDATE images SET
			sharpness = @sharpness, exposure = @exposure, contrast = @contrast, clipped = @clipped,
			colourfulness = @colourfulness, flat = @flat, kind = @kind, flags = flags || added
		FROM (SELECT ARRAY(SELECT f FROM unnest(@flags::text[]) AS f WHERE NOT f = ANY(flags)) AS added
		        FROM images WHERE id = @id AND sharpness IS NULL FOR NO KEY UPDATE) AS was
		WHERE id = @id RETURNING uploaded_at, added`

	qualityQuery = `
		SELECT sharpness, exposure, contrast, clipped, colourfulness, flat FROM images WHERE id = $1 AND sharpness IS NOT NULL`
)

// SetQuality gives numbers, kind and flags to a picture that was stored without
// them: by a release before, or in a format that a job decodes. It changes nothing
// where the picture has them, or has gone.
func (s *Service) SetQuality(ctx context.Context, id uuid.UUID, q imaging.Quality) error {
	args := s.measured.Named(measuredOf(q))
	args["id"], args["flags"] = id, append([]string{}, q.Flags...)
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var at time.Time
		var added []string
		if err := tx.QueryRow(ctx, setQualityQuery, args).Scan(&at, &added); err != nil || len(added) == 0 {
			return err
		}
		var batch pgx.Batch
		stats.Queue(&batch, stats.Flagged(at, added...))

		return tx.SendBatch(ctx, &batch).Close()
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("set the quality of image %s: %w", id, err)
	}
	s.Committed()

	return nil
}

// QualityNumbers are those of imaging.Quality; known is false for a picture that was
// stored without them, or has gone.
func (s *Service) QualityNumbers(ctx context.Context, id uuid.UUID) (numbers [6]float32, known bool, err error) {
	n := &numbers
	err = s.Pool.QueryRow(ctx, qualityQuery, id).Scan(&n[0], &n[1], &n[2], &n[3], &n[4], &n[5])
	if errors.Is(err, pgx.ErrNoRows) {
		return numbers, false, nil
	}
	if err != nil {
		return numbers, false, fmt.Errorf("read the quality of image %s: %w", id, err)
	}

	return numbers, true, nil
}
