package catalog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
)

// ErrMerged is what Open returns for an Image that is out of date.
var ErrMerged = errMerged

// Variant opens the variant of a picture that Get returned before.
func (s *Service) Variant(ctx context.Context, img Image, width int) (blob.Blob, error) {
	return s.open(ctx, img, width)
}

// BeginMerge is Merge up to the commit.
func (s *Service) BeginMerge(ctx context.Context, tx pgx.Tx, into, copied Stored, distance int) error {
	if _, err := tx.Exec(ctx, mergeLockQuery, []uuid.UUID{into.ID, copied.ID}); err != nil {
		return err
	}

	return s.merge(ctx, tx, into, copied, distance)
}

// Columns are those that the mapping of each table writes; described are those
// that Enrich fills.
func (s *Service) Columns() (images, uploads, described []string) {
	return s.images.Columns, s.uploads.Columns, s.described.Columns
}
