package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/stats"
)

const (
	// Until the transaction ends nobody can refer to either picture; the
	// statements that follow see what did so before.
	mergeLockQuery = `SELECT id FROM images WHERE id = ANY($1) ORDER BY id FOR UPDATE`

	mergeUploadsQuery = `
		WITH was AS (SELECT id, uploaded_at, status FROM uploads WHERE image_id = $1),
		moved AS (
			UPDATE uploads u SET image_id = $2, status = 'duplicate',
			       match = coalesce(u.match, 'perceptual'), distance = coalesce(u.distance, CASE WHEN u.match IS NULL THEN $3::integer END)
			  FROM was WHERE u.id = was.id AND u.uploaded_at = was.uploaded_at
		)
		SELECT uploaded_at FROM was WHERE status = 'stored'`

	mergeFlagsQuery = `SELECT uploaded_at, flags FROM images WHERE id = $1`

	mergeAliasesQuery = `UPDATE aliases SET image_id = $2 WHERE image_id = $1`

	// They may become more than an operator can set: none is lost.
	mergeLabelsQuery = `INSERT INTO labels (image_id, label) SELECT $2, label FROM labels WHERE image_id = $1 ON CONFLICT DO NOTHING`

	mergeIDsQuery = `
		WITH others AS (UPDATE merges SET image_id = $2 WHERE image_id = $1)
		INSERT INTO merges (id, image_id) VALUES ($1, $2)`

	// The fingerprint and the near-duplicates go with the row. Its bytes are an
	// alias from now on.
	mergeDeleteQuery = `
		WITH gone AS (DELETE FROM images WHERE id = $1 RETURNING scope, sha256)
		INSERT INTO aliases (scope, sha256, image_id, match, distance)
		SELECT scope, sha256, $2, 'perceptual', $3 FROM gone ON CONFLICT DO NOTHING`
)

// Merge makes a stored copy one of the ids of the picture that stays. Its uploads
// count as duplicates from then on, and the vault loses its bytes. distance is
// that of their hashes. Where one of the two has gone, Merge changes nothing.
func (s *Service) Merge(ctx context.Context, into, copied Stored, distance int) error {
	done := false
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, mergeLockQuery, []uuid.UUID{into.ID, copied.ID})
		if err != nil || tag.RowsAffected() < 2 {
			return err
		}
		done = true

		return s.merge(ctx, tx, into, copied, distance)
	})
	if err != nil {
		return fmt.Errorf("merge a picture: %w", err)
	}
	if !done {
		return nil
	}
	s.Committed()

	return s.Vault.Remove(ctx, copied.Sum())
}

func (s *Service) merge(ctx context.Context, tx pgx.Tx, into, copied Stored, distance int) error {
	event := stats.Delta{Images: -1, Bytes: -copied.Bytes, Formats: map[string]int64{string(copied.Format): -1}, Cameras: map[string]int64{}}
	if err := s.mergeMetadata(ctx, tx, into.ID, copied.ID, &event); err != nil {
		return err
	}
	var at time.Time
	var flags []string
	if err := tx.QueryRow(ctx, mergeFlagsQuery, copied.ID).Scan(&at, &flags); err != nil {
		return err
	}
	event.Recent = append(event.Recent, recentPictures(at, string(copied.Format), flags, -1))

	rows, err := tx.Query(ctx, mergeUploadsQuery, copied.ID, into.ID, distance)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&at}, func() error { // a picture has one stored upload
		event.Stored--
		event.Duplicates++
		event.Days = append(event.Days, stats.Day{Date: at.UTC().Format(time.DateOnly), Stored: -1, Duplicates: 1})
		event.Recent = append(event.Recent, stats.Recent{At: at.UTC(), Stored: -1, Duplicates: 1})
		return nil
	})
	if err != nil {
		return err
	}

	var batch pgx.Batch
	for _, query := range []string{mergeAliasesQuery, mergeLabelsQuery, mergeIDsQuery} {
		batch.Queue(query, copied.ID, into.ID)
	}
	batch.Queue(mergeDeleteQuery, copied.ID, into.ID, distance)
	stats.Queue(&batch, event)

	return tx.SendBatch(ctx, &batch).Close()
}

// mergeMetadata adds what the copy's metadata say, and counts the cameras anew.
func (s *Service) mergeMetadata(ctx context.Context, tx pgx.Tx, into, copied uuid.UUID, event *stats.Delta) error {
	rows, err := tx.Query(ctx, `SELECT `+s.described.List("")+` FROM images WHERE id = $1`, copied)
	if err != nil {
		return err
	}
	d, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[described])
	if err != nil {
		return err
	}
	if d.Camera != nil {
		event.Cameras[*d.Camera]--
	}
	// How the copy's pixels lie says nothing of others.
	d.Orientation = nil
	delete(d.Exif, "Orientation")

	return s.enrich(ctx, tx, into, d, event)
}
