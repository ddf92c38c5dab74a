package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/link"
	"inlet/stats"
)

const (
	exclusiveQuery = `
		SELECT i.id FROM images i WHERE i.id = ANY($1)
		   AND NOT EXISTS (SELECT FROM uploads u WHERE u.image_id = i.id AND u.link_id <> $2)`

	removedUploadsQuery = `
		SELECT ` + spanOfUpload + `, link_id,
		       count(*), count(*) FILTER (WHERE status = 'stored'), sum(bytes)::bigint
		  FROM uploads WHERE image_id = ANY(@images) GROUP BY 1, 2`

	removedQuery = `
		SELECT format, coalesce(camera, ''), count(*), sum(bytes)::bigint
		  FROM images WHERE id = ANY($1) GROUP BY 1, 2`

	removedRecentQuery = `
		SELECT ` + spanOfUpload + `, format, flags, count(*)
		  FROM images WHERE id = ANY(@images) AND uploaded_at >= @hour GROUP BY 1, 2, 3`

	// All rows that refer to the image go with it.
	deleteQuery = `DELETE FROM images WHERE id = ANY($1) RETURNING sha256`

	linkUploadsQuery = `
		SELECT uploaded_at, id, image_id FROM uploads
		 WHERE link_id = $1 AND (uploaded_at, id) > ($2, $3)
		 ORDER BY uploaded_at, id LIMIT $4`
)

const (
	// eraseBatch is how many uploads of a link one transaction reads.
	eraseBatch = 200
	// deletionTime bounds a statement that may remove a million upload rows: those
	// of a picture that everybody sends.
	deletionTime = "5min"
	// blobsWait bounds the removal of contents after a deletion.
	blobsWait = time.Minute
)

// Delete removes an image with all its ids, its upload rows, their part of the
// counters, and its content. It returns an error where the rows are gone and the
// content could not be removed; then the vault's sweep removes it.
func (s *Service) Delete(ctx context.Context, id uuid.UUID) error {
	sums, err := s.remove(ctx, []uuid.UUID{id}, "")
	if err != nil {
		return err
	}
	if len(sums) == 0 {
		return ErrNotFound
	}

	return s.removeBlobs(ctx, sums)
}

// EraseLink removes the images that came through a link alone, and returns how
// many. Images that came through another link as well stay as they are, and the
// link's limits stay spent.
func (s *Service) EraseLink(ctx context.Context, id link.ID) (int, error) {
	erased := 0
	var at time.Time
	var last int64
	for {
		rows, err := s.Pool.Query(ctx, linkUploadsQuery, string(id), at, last, eraseBatch)
		if err != nil {
			return erased, fmt.Errorf("erase a link's images: %w", err)
		}
		var images []uuid.UUID
		var image uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&at, &last, &image}, func() error {
			images = append(images, image)
			return nil
		})
		if err != nil {
			return erased, fmt.Errorf("erase a link's images: %w", err)
		}
		if len(images) == 0 {
			return erased, nil
		}
		sums, err := s.remove(ctx, images, id)
		if err != nil {
			return erased, err
		}
		erased += len(sums)
		if err := s.removeBlobs(ctx, sums); err != nil {
			return erased, err
		}
	}
}

// remove removes images, and takes them from the counters; if only is given, just
// those that came through this link alone. It returns their contents, which the
// vault may remove now.
func (s *Service) remove(ctx context.Context, given []uuid.UUID, only link.ID) (sums [][32]byte, err error) {
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '`+deletionTime+`'`); err != nil {
			return err
		}
		// No id of a link is left for another transaction: the picture into which
		// one was merged came through the link with uploads of its own, or not alone.
		images, _, err := lockImages(ctx, tx, given, forDeletion)
		if err != nil {
			return err
		}
		ids := slices.Collect(maps.Values(images)) // some twice, which does no harm
		if only != "" {
			if ids, err = db.Collect[uuid.UUID](ctx, tx, exclusiveQuery, ids, string(only)); err != nil {
				return err
			}
		}
		if len(ids) == 0 {
			return nil
		}
		delta, err := contribution(ctx, tx, ids, stats.Kept(s.Now()))
		if err != nil {
			return err
		}
		removed, err := db.Collect[[]byte](ctx, tx, deleteQuery, ids)
		if err != nil {
			return err
		}
		for _, sum := range removed {
			sums = append(sums, [32]byte(sum))
		}
		var batch pgx.Batch
		stats.Queue(&batch, delta)

		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("delete images: %w", err)
	}
	if len(sums) > 0 {
		s.Committed()
	}

	return sums, nil
}

// contribution is what the images and their uploads have added to the counters,
// as an event that takes it away. Minutes and hours begin with since.
func contribution(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, since stats.Since) (stats.Delta, error) {
	d := stats.Delta{Formats: map[string]int64{}, Cameras: map[string]int64{}}
	var format, camera string
	var count, bytes int64
	err := each(ctx, tx, removedQuery, []any{ids}, []any{&format, &camera, &count, &bytes}, func() error {
		d.Images -= count
		d.Bytes -= bytes
		d.Formats[format] -= count
		if camera != "" {
			d.Cameras[camera] -= count
		}

		return nil
	})
	if err != nil {
		return d, err
	}

	named := []any{pgx.NamedArgs{"images": ids, "minute": since.Minute, "hour": since.Hour}}
	var at time.Time
	var flags []string
	err = each(ctx, tx, removedRecentQuery, named, []any{&at, &format, &flags, &count}, func() error {
		d.Recent = append(d.Recent, recentPictures(at, format, flags, -count))
		return nil
	})
	if err != nil {
		return d, err
	}

	err = takeUploads(ctx, tx, named, since, &d)

	return d, err
}

// takeUploads takes the images' uploads from the counters of files, days, recent spans
// and links.
func takeUploads(ctx context.Context, tx pgx.Tx, named []any, since stats.Since, d *stats.Delta) error {
	days, links := map[string]stats.Day{}, map[link.ID]stats.Link{}
	var at time.Time
	var id link.ID
	var count, stored, bytes int64
	err := each(ctx, tx, removedUploadsQuery, named, []any{&at, &id, &count, &stored, &bytes}, func() error {
		d.Accepted -= count
		d.Stored -= stored
		d.Duplicates -= count - stored
		date := at.UTC().Format(time.DateOnly)
		day := days[date]
		days[date] = stats.Day{
			Date: date, Accepted: day.Accepted - count, Stored: day.Stored - stored,
			Duplicates: day.Duplicates - (count - stored), Bytes: day.Bytes - bytes,
		}
		links[id] = stats.Link{ID: id, Files: links[id].Files - count, Bytes: links[id].Bytes - bytes}
		if !at.Before(since.Hour) {
			d.Recent = append(d.Recent, stats.Recent{
				At: at.UTC(), Link: id, Accepted: -count, Stored: -stored, Duplicates: -(count - stored),
			})
		}

		return nil
	})
	d.Days = slices.SortedFunc(maps.Values(days), func(a, b stats.Day) int { return cmp.Compare(a.Date, b.Date) })
	d.Links = slices.SortedFunc(maps.Values(links), func(a, b stats.Link) int { return cmp.Compare(a.ID, b.ID) })

	return err
}

// removeBlobs removes the contents of deleted images, also when the caller has
// left: the deletion is done. It goes on after a failure.
func (s *Service) removeBlobs(ctx context.Context, sums [][32]byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), blobsWait)
	defer cancel()
	var failed error
	for _, sum := range sums {
		if err := s.Vault.Remove(ctx, sum); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	if failed != nil {
		return fmt.Errorf("images are deleted, but not all of their blobs: %w", failed)
	}

	return nil
}
