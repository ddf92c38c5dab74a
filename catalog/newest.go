package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"inlet/db"
)

// Ids grow with the time of the upload.
const newestQuery = `SELECT id FROM images WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`

// Newest lists the ids of the newest images below an id; nil: of all.
func (s *Service) Newest(ctx context.Context, below *uuid.UUID, n int) ([]uuid.UUID, error) {
	ids, err := db.Collect[uuid.UUID](ctx, s.Pool, newestQuery, below, n)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}

	return ids, nil
}
