package catalog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/db"
)

// mergedInto is the id of the picture that $1 stands for: the one into which it
// was merged, or its own. It is one step: a merge leads earlier ids to the
// picture that stays.
const mergedInto = `coalesce((SELECT m.image_id FROM merges m WHERE m.id = $1), $1)`

const (
	// The images are locked in one order, so that two transactions that want
	// several do not wait for each other.
	lockQuery = `
		SELECT g.id, i.id
		  FROM unnest($1::uuid[]) AS g (id)
		  LEFT JOIN merges m ON m.id = g.id
		  JOIN images i ON i.id = coalesce(m.image_id, g.id)
		 ORDER BY i.id `

	// Nothing can begin to refer to the images; the statements that follow see
	// what did so before.
	forDeletion = `FOR UPDATE OF i`
	// Uploads can, but nobody else changes the images.
	forLabels = `FOR NO KEY UPDATE OF i`

	mergedQuery = `SELECT id FROM merges WHERE id = ANY($1)`
)

// lockImages locks the images that ids stand for, until the transaction ends. It
// returns the image of each id; unknown ids are not in images. A merge may take an
// image away while its lock is waited for: the ids that now stand for another one
// are in left, and need a transaction of their own, since to lock out of order
// could deadlock. Of a single id nothing is left.
func lockImages(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, lock string) (images map[uuid.UUID]uuid.UUID, left []uuid.UUID, err error) {
	for {
		rows, err := tx.Query(ctx, lockQuery+lock, ids)
		if err != nil {
			return nil, nil, err
		}
		images = make(map[uuid.UUID]uuid.UUID, len(ids))
		var id, image uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&id, &image}, func() error {
			images[id] = image
			return nil
		})
		if err != nil {
			return nil, nil, err
		}

		var missing []uuid.UUID
		for _, id := range ids {
			if _, found := images[id]; !found {
				missing = append(missing, id)
			}
		}
		if len(missing) == 0 {
			return images, nil, nil
		}
		left, err = db.Collect[uuid.UUID](ctx, tx, mergedQuery, missing)
		if err != nil || len(images) > 0 || len(left) == 0 {
			return images, left, err
		}
		// Nothing is locked: another try does no harm.
	}
}
