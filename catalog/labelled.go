package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Labelled is an image that bears labels, with what tells which images belong
// together: a burst of a camera, or files that were sent one after another.
type Labelled struct {
	ID         uuid.UUID  `db:"id"`
	Labels     []string   `db:"labels"` // sorted
	Camera     *string    `db:"camera"`
	CapturedAt *time.Time `db:"captured_at"`
	Link       string     `db:"link_id"`
	Client     []byte     `db:"client"`
	UploadedAt time.Time  `db:"uploaded_at"`
}

// labelledQuery reads on after an id, by the primary key of labels.
const labelledQuery = `
	SELECT i.id, l.labels, i.camera, i.captured_at, i.uploaded_at,
	       coalesce(u.link_id, '') AS link_id, coalesce(u.client, '') AS client
	  FROM (SELECT image_id, array_agg(label ORDER BY label COLLATE "C") AS labels
	          FROM labels WHERE image_id > $1 GROUP BY image_id ORDER BY image_id LIMIT $2) l
	  JOIN images i ON i.id = l.image_id
	  LEFT JOIN LATERAL (SELECT link_id, client FROM uploads u WHERE u.image_id = i.id ORDER BY u.uploaded_at LIMIT 1) u ON true
	 ORDER BY i.id`

// EachLabelled calls fn with all images that bear labels, some thousand at a time
// and by their ids. fn may keep them.
func (s *Service) EachLabelled(ctx context.Context, fn func([]Labelled) error) error {
	const page = 5000
	for after := uuid.Nil; ; {
		rows, err := s.Pool.Query(ctx, labelledQuery, after, page)
		if err != nil {
			return fmt.Errorf("read labelled images: %w", err)
		}
		some, err := pgx.CollectRows(rows, pgx.RowToStructByName[Labelled])
		if err != nil {
			return fmt.Errorf("read labelled images: %w", err)
		}
		if len(some) > 0 {
			if err := fn(some); err != nil {
				return err
			}
			after = some[len(some)-1].ID
		}
		if len(some) < page {
			return nil
		}
	}
}

const (
	// Pairs are stored both ways, and the index near_other serves other_id.
	nearOfQuery = `
		SELECT wanted.id, n.image_id FROM unnest($1::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
			SELECT n.image_id FROM near n WHERE n.other_id = wanted.id ORDER BY n.distance, n.image_id LIMIT $2) AS n`

	labelChangesQuery = `
		SELECT count(*) FILTER (WHERE set_at > $1), count(*) FILTER (WHERE set_at <= $1), clock_timestamp() FROM labels`
)

const latestLabelledQuery = `
	SELECT image_id, array_agg(label) FROM labels
	 WHERE image_id IN (SELECT image_id FROM labels ORDER BY set_at DESC LIMIT $1) GROUP BY image_id`

const lockSharedQuery = `SELECT id FROM images WHERE id = ANY($1) ORDER BY id FOR KEY SHARE`

// LockShared keeps images from being deleted until the transaction ends, and waits
// for deletions under way. It comes before any other lock of what belongs to the
// images: deletions take their locks in that order.
func LockShared(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) error {
	_, err := tx.Exec(ctx, lockSharedQuery, ids)

	return err
}

// LatestLabelled returns the labels of the images that were labelled last.
func (s *Service) LatestLabelled(ctx context.Context, n int) (map[uuid.UUID][]string, error) {
	rows, err := s.Pool.Query(ctx, latestLabelledQuery, n)
	if err != nil {
		return nil, fmt.Errorf("read labelled images: %w", err)
	}
	latest := map[uuid.UUID][]string{}
	var id uuid.UUID
	var labels []string
	_, err = pgx.ForEachRow(rows, []any{&id, &labels}, func() error {
		latest[id], labels = labels, nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read labelled images: %w", err)
	}

	return latest, nil
}

// MaxNearOf is how many near-duplicates of an image NearOf lists.
const MaxNearOf = 200

// NearOf lists the nearest near-duplicates of each image, at most MaxNearOf.
func (s *Service) NearOf(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	rows, err := s.Pool.Query(ctx, nearOfQuery, ids, MaxNearOf)
	if err != nil {
		return nil, fmt.Errorf("read near-duplicates: %w", err)
	}
	near := map[uuid.UUID][]uuid.UUID{}
	var id, other uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id, &other}, func() error {
		near[id] = append(near[id], other)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read near-duplicates: %w", err)
	}

	return near, nil
}

// LabelChanges counts labels: those set since a moment, and older ones. now is the
// database's clock at the count.
func (s *Service) LabelChanges(ctx context.Context, since time.Time) (newer, older int64, now time.Time, err error) {
	err = s.Pool.QueryRow(ctx, labelChangesQuery, since).Scan(&newer, &older, &now)
	if err != nil {
		return 0, 0, now, fmt.Errorf("count labels: %w", err)
	}

	return newer, older, now, nil
}
