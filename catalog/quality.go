package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"inlet/imaging"
)

// A flag that is there already, also one that another job has set, stays.
const setQualityQuery = `
	UPDATE images SET
		sharpness = @sharpness, exposure = @exposure, contrast = @contrast, clipped = @clipped,
		colourfulness = @colourfulness, flat = @flat, kind = @kind,
		flags = flags || ARRAY(SELECT f FROM unnest(@flags::text[]) AS f WHERE NOT f = ANY(flags))
	WHERE id = @id AND sharpness IS NULL`

// SetQuality gives numbers, kind and flags to a picture that was stored without
// them: by a release before, or in a format that a job decodes. It changes nothing
// where the picture has them, or has gone.
func (s *Service) SetQuality(ctx context.Context, id uuid.UUID, q imaging.Quality) error {
	args := s.measured.Named(measuredOf(q))
	args["id"], args["flags"] = id, append([]string{}, q.Flags...)
	if _, err := s.Pool.Exec(ctx, setQualityQuery, args); err != nil {
		return fmt.Errorf("set the quality of image %s: %w", id, err)
	}

	return nil
}
