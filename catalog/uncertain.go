package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Uncertain is an image without a label, and how uncertain the model is about it: 0
// where it is certain, 1 where it knows nothing.
type Uncertain struct {
	ID          uuid.UUID `db:"id"`
	Uncertainty float32   `db:"uncertainty"`
}

// Uncertain returns the images that match, bear no label, and about which the model
// is most uncertain; where none of them has a prediction, the newest ones.
func (s *Service) Uncertain(ctx context.Context, f Filter, n int) ([]Uncertain, error) {
	if f.Label != "" || f.Labelled != nil && *f.Labelled {
		return nil, fmt.Errorf("%w: what is most worth labelling bears no label", ErrFilter)
	}
	no := false
	f.Labelled = &no
	c, err := s.conditions(ctx, f)
	if err != nil {
		return nil, err
	}

	// The order is that of the index, which Postgres walks: most images bear no label.
	query := `SELECT i.id, u.uncertainty FROM (` + s.Predictions.Uncertain + `) u JOIN images i ON i.id = u.image_id` + c.where() +
		fmt.Sprintf(` ORDER BY u.uncertainty DESC, u.image_id LIMIT %d`, n)
	found, err := find(ctx, s.Read, query, c, uncertain)
	// Images without a prediction do not match the filter predicted either.
	if err == nil && len(found) == 0 && f.Predicted == "" {
		query = `SELECT i.id, 1::real AS uncertainty FROM images i` + c.where() +
			fmt.Sprintf(` ORDER BY i.uploaded_at DESC, i.id DESC LIMIT %d`, n)
		found, err = find(ctx, s.Read, query, c, uncertain)
	}
	if err != nil {
		return nil, fmt.Errorf("list uncertain images: %w", err)
	}

	return found, nil
}

func uncertain(rows pgx.Rows, err error) ([]Uncertain, error) {
	if err != nil {
		return nil, err
	}

	return pgx.CollectRows(rows, pgx.RowToStructByName[Uncertain])
}

// Documents returns the documents of images, in the order of their ids and without
// all tags. Ids that no image has are left out.
func (s *Service) Documents(ctx context.Context, ids []uuid.UUID) ([]Document, error) {
	query := `SELECT ` + s.columns + `, NULL::jsonb AS exif
		FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, n) JOIN images i ON i.id = wanted.id ORDER BY wanted.n`
	docs, err := documents(s.Read.Query(ctx, query, ids))
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}

	return docs, nil
}
