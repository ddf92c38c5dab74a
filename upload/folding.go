package upload

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/stats"
	"inlet/upload/lookalike"
)

const (
	// Until the transaction ends nobody can refer to either picture; what did so
	// before is visible to the statements that follow.
	foldLockQuery = `SELECT id FROM images WHERE id = ANY($1) ORDER BY id FOR UPDATE`

	// The rest of its row is what enrich takes, in the same order but for the
	// orientation, which says how the pixels of one file lie.
	foldedQuery = `
		SELECT camera, make, model, lens, software, captured_at, captured_at_offset,
		       latitude, longitude, altitude, iso, f_number, exposure_time, focal_length, NULL::smallint, exif - 'Orientation'
		  FROM images WHERE id = $1`

	foldUploadsQuery = `
		WITH was AS (SELECT id, uploaded_at, status FROM uploads WHERE image_id = $1),
		moved AS (
			UPDATE uploads u SET image_id = $2, status = 'duplicate',
			       match = coalesce(u.match, 'perceptual'), distance = coalesce(u.distance, CASE WHEN u.match IS NULL THEN $3::integer END)
			  FROM was WHERE u.id = was.id AND u.uploaded_at = was.uploaded_at
		)
		SELECT to_char(uploaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), count(*) FROM was WHERE status = 'stored' GROUP BY 1`

	foldAliasesQuery = `UPDATE aliases SET image_id = $2 WHERE image_id = $1`

	// They may become more than can be set: none is lost.
	foldLabelsQuery = `INSERT INTO labels (image_id, label) SELECT $2, label FROM labels WHERE image_id = $1 ON CONFLICT DO NOTHING`

	foldIDsQuery = `
		WITH others AS (UPDATE folded SET image_id = $2 WHERE image_id = $1)
		INSERT INTO folded (id, image_id) VALUES ($1, $2)`

	// Its fingerprint, and what it is near to, go with it. Its bytes are known
	// from now on as those of a copy.
	foldDeleteQuery = `
		WITH gone AS (DELETE FROM images WHERE id = $1 RETURNING scope, sha256)
		INSERT INTO aliases (scope, sha256, image_id, match, distance)
		SELECT scope, sha256, $2, 'perceptual', $3 FROM gone ON CONFLICT DO NOTHING`
)

// foldInto makes a stored copy one of the ids of the kept picture. Its uploads
// count as duplicates from then on, and its blob is removed.
func (s *Service) foldInto(ctx context.Context, kept, folded lookalike.Candidate) error {
	done := false
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, foldLockQuery, []uuid.UUID{kept.ID, folded.ID})
		if err != nil || tag.RowsAffected() < 2 {
			return err // one of them has gone, or was folded by another job
		}
		done = true
		return s.fold(ctx, tx, kept, folded)
	})
	if err != nil {
		return fmt.Errorf("fold a picture: %w", err)
	}
	if !done {
		return nil
	}
	s.Committed()
	return s.Orphans.RemoveOrphan(ctx, [32]byte(folded.SHA256))
}

func (s *Service) fold(ctx context.Context, tx pgx.Tx, kept, folded lookalike.Candidate) error {
	event := stats.Delta{Images: -1, Bytes: -folded.Bytes, Formats: map[string]int64{string(folded.Format): -1}, Cameras: map[string]int64{}}
	if err := foldMetadata(ctx, tx, kept.ID, folded.ID, event.Cameras); err != nil {
		return err
	}
	var date string
	var n int64
	rows, err := tx.Query(ctx, foldUploadsQuery, folded.ID, kept.ID, kept.Distance)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&date, &n}, func() error {
		event.Stored -= n
		event.Duplicates += n
		event.Days = append(event.Days, stats.Day{Date: date, Stored: -n, Duplicates: n})
		return nil
	})
	if err != nil {
		return err
	}
	var batch pgx.Batch
	for _, query := range []string{foldAliasesQuery, foldLabelsQuery, foldIDsQuery} {
		batch.Queue(query, folded.ID, kept.ID)
	}
	batch.Queue(foldDeleteQuery, folded.ID, kept.ID, kept.Distance)
	stats.Queue(&batch, event)
	return tx.SendBatch(ctx, &batch).Close()
}

// foldMetadata adds what the folded picture's metadata say, and counts the
// cameras anew.
func foldMetadata(ctx context.Context, tx pgx.Tx, kept, folded uuid.UUID, cameras map[string]int64) error {
	rows, err := tx.Query(ctx, foldedQuery, folded)
	if err != nil {
		return err
	}
	columns, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		return err
	}
	if camera, ok := columns[0].(string); ok {
		cameras[camera]--
	}
	added, err := enrich(ctx, tx, kept, columns)
	if added != "" {
		cameras[added]++
	}
	return err
}
