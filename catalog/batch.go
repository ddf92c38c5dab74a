package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/db"
)

// MaxBatch is how many images a batch may name.
const MaxBatch = 1000

const (
	removeLabelsQuery = `DELETE FROM labels WHERE image_id = ANY($1) AND label = ANY($2)`

	addToEachQuery = `
		INSERT INTO labels (image_id, label) SELECT image, label FROM unnest($1::uuid[]) image, unnest($2::text[]) label
		ON CONFLICT DO NOTHING`
)

// ChangeLabels adds labels to images and removes others. It passes over ids that no
// image has, and returns how many images it changed. After an error that is none, but
// where some images were merged meanwhile: it changes those into which they were
// merged in a transaction of their own.
func (s *Service) ChangeLabels(ctx context.Context, ids []uuid.UUID, add, remove []string) (changed int, err error) {
	if add, err = cleanLabels(add); err != nil {
		return 0, err
	}
	if remove, err = cleanLabels(remove); err != nil {
		return 0, err
	}

	for left := ids; len(left) > 0; {
		var targets []uuid.UUID
		err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) (err error) {
			var images map[uuid.UUID]uuid.UUID
			if images, left, err = lockImages(ctx, tx, left, forLabels); err != nil {
				return err
			}
			targets = distinct(images)

			return changeLabels(ctx, tx, targets, add, remove)
		})
		if errors.Is(err, ErrLabels) {
			return changed, err
		}
		if err != nil {
			return changed, fmt.Errorf("change labels: %w", err)
		}
		changed += len(targets)
	}

	return changed, nil
}

func changeLabels(ctx context.Context, tx pgx.Tx, images []uuid.UUID, add, remove []string) error {
	var batch pgx.Batch
	batch.Queue(removeLabelsQuery, images, remove)
	batch.Queue(addToEachQuery, images, add)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}

	overfull, err := db.Collect[uuid.UUID](ctx, tx, overfullQuery, images, maxLabels)
	if err == nil && len(add) > 0 && len(overfull) > 0 {
		err = fmt.Errorf("%w: image %s would have more than %d labels", ErrLabels, overfull[0], maxLabels)
	}

	return err
}

// distinct are the images that ids stand for, each once, in order.
func distinct(images map[uuid.UUID]uuid.UUID) []uuid.UUID {
	all := make([]uuid.UUID, 0, len(images))
	for _, image := range images {
		all = append(all, image)
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })

	return slices.Compact(all)
}

// EachBatch calls fn with the ids of all images that match, MaxBatch at a time,
// newest first. It leaves out images that arrive meanwhile; fn may change or delete
// those that it gets.
func (s *Service) EachBatch(ctx context.Context, f Filter, fn func([]uuid.UUID) error) error {
	c, err := s.conditions(ctx, f)
	if err != nil {
		return err
	}

	var after *position
	for {
		some, err := s.positions(ctx, c.after(after), MaxBatch)
		if err != nil {
			return err
		}
		if len(some) > 0 {
			ids := make([]uuid.UUID, len(some))
			for i, p := range some {
				ids[i] = p.id
			}
			if err := fn(ids); err != nil {
				return err
			}
			after = &some[len(some)-1]
		}
		if len(some) < MaxBatch {
			return nil
		}
	}
}

// positions are those of the first images that meet the conditions.
func (s *Service) positions(ctx context.Context, c conditions, n int) ([]position, error) {
	query := fmt.Sprintf(`SELECT i.id, i.uploaded_at FROM images i%s ORDER BY i.uploaded_at DESC, i.id DESC LIMIT %d`, c.where(), n)
	some, err := find(ctx, s.Pool, query, c, func(rows pgx.Rows, err error) ([]position, error) {
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p position, err error) {
			return p, row.Scan(&p.id, &p.uploadedAt)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}

	return some, nil
}

// Remove deletes several images as Delete does, and returns how many there were.
func (s *Service) Remove(ctx context.Context, ids []uuid.UUID) (int, error) {
	sums, err := s.remove(ctx, ids, "")
	if err != nil {
		return 0, err
	}

	return len(sums), s.removeBlobs(ctx, sums)
}
