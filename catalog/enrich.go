package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging"
)

// Groups are filled as a whole, so that one camera's make never meets another's
// model. A time or place that could not be true makes room for a copy's.
const enrichQuery = `
	UPDATE images SET
		camera = CASE WHEN no_camera THEN @camera ELSE camera END,
		make   = CASE WHEN no_camera THEN @make ELSE make END,
		model  = CASE WHEN no_camera THEN @model ELSE model END,
		lens = coalesce(lens, @lens), software = coalesce(software, @software),
		captured_at        = coalesce(captured_at, @captured_at),
		captured_at_offset = CASE WHEN captured_at IS NULL THEN @captured_at_offset ELSE captured_at_offset END,
		latitude  = coalesce(latitude, @latitude),
		longitude = coalesce(longitude, @longitude),
		altitude  = CASE WHEN latitude IS NULL THEN @altitude ELSE altitude END,
		iso = coalesce(iso, @iso), f_number = coalesce(f_number, @f_number),
		exposure_time = coalesce(exposure_time, @exposure_time), focal_length = coalesce(focal_length, @focal_length),
		orientation = coalesce(orientation, @orientation),
		flags = CASE WHEN gives_time AND gives_place THEN array_remove(array_remove(flags, 'time-suspect'), 'place-suspect')
		             WHEN gives_time THEN array_remove(flags, 'time-suspect')
		             WHEN gives_place THEN array_remove(flags, 'place-suspect') ELSE flags END,
		exif = @exif::jsonb || exif
	FROM (SELECT make IS NULL AND model IS NULL AS no_camera,
	             captured_at IS NULL AND @captured_at::timestamptz IS NOT NULL AS gives_time,
	             latitude IS NULL AND @latitude::double precision IS NOT NULL AS gives_place
	        FROM images WHERE id = @id FOR NO KEY UPDATE) AS was
	WHERE id = @id AND (gives_time OR gives_place OR (@exif::jsonb || exif) IS DISTINCT FROM exif)
	RETURNING CASE WHEN no_camera THEN coalesce(@camera, '') ELSE '' END`

// Enrich adds what a copy's metadata say and the stored picture's do not, in the
// transaction that accepts the copy. It returns the camera's name if the picture
// had none before.
func (s *Service) Enrich(ctx context.Context, tx pgx.Tx, id uuid.UUID, copied imaging.Info, match string) (camera string, err error) {
	m := copied.Meta
	if match == MatchPerceptual { // how its own pixels lie says nothing of others
		m.Orientation = 0
		m.Tags = maps.Clone(m.Tags)
		delete(m.Tags, "Orientation")
	}

	return s.enrich(ctx, tx, id, describe(m))
}

func (s *Service) enrich(ctx context.Context, tx pgx.Tx, id uuid.UUID, d described) (camera string, err error) {
	args := s.described.Named(d)
	args["id"] = id
	err = tx.QueryRow(ctx, enrichQuery, args).Scan(&camera)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("add a copy's metadata: %w", err)
	}

	return camera, nil
}
