package upload

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"inlet/imaging"
	"inlet/link"
	"inlet/problem"
	"inlet/stats"
	"inlet/upload/lookalike"
)

const (
	// One guarded statement: it changes nothing, and returns no row, when the
	// file would take the link over a limit (0 means none).
	spendQuery = `
		INSERT INTO link_usage AS u (link_id, files, bytes, expires_at)
		SELECT $1::text, 1, $2::bigint, $3::timestamptz WHERE $5::bigint = 0 OR $2::bigint <= $5::bigint
		ON CONFLICT (link_id) DO UPDATE SET files = u.files + 1, bytes = u.bytes + excluded.bytes
		WHERE ($4::bigint = 0 OR u.files + 1 <= $4::bigint) AND ($5::bigint = 0 OR u.bytes + excluded.bytes <= $5::bigint)
		RETURNING files`

	imageQuery = `
		INSERT INTO images (id, scope, sha256, payload, format, width, height, frames, duration_ms, bytes, uploaded_at,
			camera, make, model, lens, software, captured_at, captured_at_offset,
			latitude, longitude, altitude, iso, f_number, exposure_time, focal_length, orientation, exif)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
		ON CONFLICT DO NOTHING RETURNING id`

	// It returns no row while a blob store may still carry out the removal of these
	// bytes (docs/adr/0010).
	settledQuery = `
		SELECT true WHERE NOT EXISTS (SELECT FROM removals WHERE sha256 = $1 AND counts_until > now())`

	uploadQuery = `
		INSERT INTO uploads (uploaded_at, image_id, link_id, status, match, distance, bytes, filename, client)
		VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, $9) RETURNING id`

	aliasQuery = `
		INSERT INTO aliases (scope, sha256, image_id, match, distance) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`

	seenQuery = `
		INSERT INTO links_seen (link_id, label, first_used_at, expires_at) VALUES ($1, nullif($2, ''), $3, $4)
		ON CONFLICT DO NOTHING`
)

// commitStored writes a new picture. The blob is durable already; while the
// transaction holds the content's lock it makes sure that no deletion of the
// same bytes has taken the blob away in between.
func (s *Service) commitStored(ctx context.Context, a arrival, info imaging.Info, like alike) (Result, error) {
	ctx, step := s.begin(ctx, "commit")
	defer step.end()
	id, err := uuid.NewV7()
	if err != nil {
		return Result{}, err
	}
	now, sum := s.Now().UTC(), a.staged.Sum()
	result := s.result(a, Stored, kept{
		id: id, sha256: sum[:], format: info.Format,
		width: info.Width, height: info.Height, bytes: a.staged.Size(),
	})
	event := s.event(a, result, now)
	event.Images, event.Bytes = 1, a.staged.Size()
	event.Formats = map[string]int64{string(info.Format): 1}
	if info.Meta.CameraName != "" {
		event.Cameras = map[string]int64{info.Meta.CameraName: 1}
	}
	w := newWrite(s, a, now)
	w.lock(sum)
	w.require(errRemoving, settledQuery, sum[:])
	w.insert(imageQuery, imageRow(id, a, info, now)...)
	w.looks(id, info, like)
	w.upload(id, result)
	w.event(event)
	err = s.commit(ctx, func(ctx context.Context) error {
		last := func() error { return s.keepStill(ctx, a) }
		if jobs := s.jobsFor(id, info, like); jobs != nil {
			return w.sendWithJobs(ctx, jobs, last)
		}
		return w.sendTx(ctx, last)
	})
	return result, err
}

// commitDuplicate writes that a file is a copy of k. info is what was read
// from the copy, nil when it was not looked into; what it says and the kept
// picture does not is added to the kept picture.
func (s *Service) commitDuplicate(ctx context.Context, a arrival, k kept, info *imaging.Info) (Result, error) {
	ctx, step := s.begin(ctx, "commit")
	defer step.end()
	now := s.Now().UTC()
	result := s.result(a, Duplicate, k)
	event := s.event(a, result, now)
	w := newWrite(s, a, now)
	err := s.commit(ctx, func(ctx context.Context) error {
		if info == nil || k.match == MatchExact {
			w.upload(k.id, result)
			w.event(event)
			return w.send(ctx)
		}
		return pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
			camera, err := enrich(ctx, tx, k.id, metadata(metaOf(*info, k.match)))
			if err != nil {
				return err
			}
			if camera != "" {
				event.Cameras = map[string]int64{camera: 1}
			}
			sum := a.staged.Sum()
			w.batch.Queue(aliasQuery, a.scope, sum[:], k.id, k.match, k.distance)
			w.upload(k.id, result)
			w.event(event)
			return tx.SendBatch(ctx, &w.batch).Close()
		})
	})
	return result, err
}

// jobsFor is what is left to do for a picture that is being stored; mostly nil.
func (s *Service) jobsFor(id uuid.UUID, info imaging.Info, like alike) func(context.Context, pgx.Tx) error {
	decode := info.Format == imaging.HEIC || info.Format == imaging.AVIF
	if s.Later == nil || !decode && len(like.later) == 0 {
		return nil
	}
	return func(ctx context.Context, tx pgx.Tx) error {
		if decode {
			return s.Later.Decode(ctx, tx, id)
		}
		var pairs [][2]uuid.UUID
		for _, c := range like.later {
			pairs = append(pairs, [2]uuid.UUID{c.ID, id})
		}
		return s.Later.Fold(ctx, tx, pairs)
	}
}

// result describes a file that turned out to be k.
func (s *Service) result(a arrival, status Status, k kept) Result {
	return Result{
		Filename: a.filename, Status: status, ID: k.id, Match: k.match, Distance: k.distance,
		SHA256: [32]byte(k.sha256), Format: k.format, Width: k.width, Height: k.height, Bytes: k.bytes,
	}
}

// event is what an accepted file adds to the counters and tells the live feed.
func (s *Service) event(a arrival, r Result, now time.Time) stats.Delta {
	grant := a.from.Grant
	day := stats.Day{
		Date: now.Format(time.DateOnly), Accepted: 1, Bytes: a.staged.Size(),
		Client: hex.EncodeToString(s.client(a)),
	}
	d := stats.Delta{
		Accepted: 1,
		Links:    []stats.Link{{ID: grant.ID, Files: 1, Bytes: a.staged.Size(), LastUsedAt: now}},
		Live: &stats.Upload{
			Filename: r.Filename, Status: string(r.Status), ID: r.ID, Match: r.Match, Distance: r.Distance,
			SHA256: hex.EncodeToString(r.SHA256[:]), Format: string(r.Format), Width: r.Width, Height: r.Height, Bytes: r.Bytes,
			LinkID: grant.ID, Label: grant.Label,
		},
	}
	if r.Status == Stored {
		d.Stored, day.Stored = 1, 1
	} else {
		d.Duplicates, day.Duplicates = 1, 1
	}
	d.Days = []stats.Day{day}

	return d
}

// client is the keyed hash under which a sender's address is kept.
func (s *Service) client(a arrival) []byte {
	mac := hmac.New(sha256.New, s.ClientKey)
	mac.Write(a.from.Client.Unmap().AsSlice())
	return mac.Sum(nil)[:16]
}

// commit runs one transaction and tells what its failure means.
func (s *Service) commit(ctx context.Context, transaction func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	err := transaction(ctx)
	switch {
	case err == nil:
		s.Committed()
		return nil
	case errors.Is(err, errRaced), errors.Is(err, link.ErrExhausted):
		return err
	case isRaced(err):
		return errRaced
	}
	return problem.StoreFailed(fmt.Errorf("commit an upload: %w", err))
}

// isGone tells that a picture was deleted, or folded, before others could refer
// to it.
func isGone(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "23503"
}

// isRaced tells the failures that mean that somebody else changed the picture
// meanwhile: a foreign key or unique violation, a serialisation failure, a
// deadlock, a look-up that is too old.
func isRaced(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return slices.Contains([]string{"23503", "23505", "40001", "40P01"}, pgErr.Code)
	}
	return errors.Is(err, lookalike.ErrStale)
}
