package gallery

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// keptAs is the id under which the picture $1 is kept: that of the picture into
// which it was folded, or its own. It is one step, as folding leads earlier ids to
// the picture that is kept now.
const keptAs = `coalesce((SELECT f.image_id FROM folded f WHERE f.id = $1), $1)`

const (
	// The images are locked in one order, so that two who want several do not
	// wait for each other.
	lockKeptQuery = `
		SELECT g.id, i.id
		  FROM unnest($1::uuid[]) AS g (id)
		  LEFT JOIN folded f ON f.id = g.id
		  JOIN images i ON i.id = coalesce(f.image_id, g.id)
		 ORDER BY i.id `

	// Nothing can begin to refer to the images; what did so before is visible to
	// the statements that follow.
	forDeletion = `FOR UPDATE OF i`
	// Uploads can, but nobody else changes them.
	forLabels = `FOR NO KEY UPDATE OF i`

	foldedQuery = `SELECT id FROM folded WHERE id = ANY($1)`
)

// lockKept locks what the ids are kept as until the transaction ends. kept says
// for each id which image that is; ids that no picture has are not in it. A
// picture can be folded while its lock is waited for: such are in left, and are
// for another transaction, since to lock what they are kept as after others could
// be a deadlock. Of a single id nothing is left.
func lockKept(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, lock string) (kept map[uuid.UUID]uuid.UUID, left []uuid.UUID, err error) {
	for {
		rows, err := tx.Query(ctx, lockKeptQuery+lock, ids)
		if err != nil {
			return nil, nil, err
		}
		kept = make(map[uuid.UUID]uuid.UUID, len(ids))
		var id, image uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&id, &image}, func() error {
			kept[id] = image
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		var missing []uuid.UUID
		for _, id := range ids {
			if _, there := kept[id]; !there {
				missing = append(missing, id)
			}
		}
		if len(missing) == 0 {
			return kept, nil, nil
		}
		left, err = collect[uuid.UUID](ctx, tx, foldedQuery, missing)
		if err != nil || len(kept) > 0 || len(left) == 0 {
			return kept, left, err
		}
		// Nothing is locked: no harm in trying again at once.
	}
}

// collect runs a query of one column.
func collect[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
