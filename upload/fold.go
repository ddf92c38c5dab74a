package upload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging/fingerprint"
	"inlet/upload/lookalike"
)

// Settle finds pictures alike that were stored at the same moment, and enqueues
// their comparison.
func (s *Service) Settle(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		pairs, err := lookalike.Settle(ctx, tx)
		if err != nil || len(pairs) == 0 {
			return err
		}
		ids := make([][2]uuid.UUID, len(pairs))
		for i, p := range pairs {
			ids[i] = [2]uuid.UUID{p.First, p.Second}
		}
		return s.Later.Fold(ctx, tx, ids)
	})
}

// storedQuery gives the older one of two first. A picture that has gone, or was
// folded, is not there.
const storedQuery = `
	SELECT i.id, i.sha256, i.format, i.width, i.height, i.frames, i.duration_ms, i.bytes, i.uploaded_at, f.print
	  FROM images i JOIN fingerprints f ON f.image_id = i.id
	 WHERE i.id = ANY($1) ORDER BY i.uploaded_at, i.id`

// Fold compares two stored pictures. If the newer one is a copy of the older,
// and no larger, it becomes one of its ids; if they only look alike, each is
// listed with the other. It may be called again.
func (s *Service) Fold(ctx context.Context, a, b uuid.UUID) error {
	rows, err := s.Pool.Query(ctx, storedQuery, []uuid.UUID{a, b})
	if err != nil {
		return fmt.Errorf("fold pictures: %w", err)
	}
	stored, err := pgx.CollectRows(rows, scanStored)
	if err != nil {
		return fmt.Errorf("fold pictures: %w", err)
	}
	if len(stored) < 2 {
		return nil
	}
	older, newer := stored[0], stored[1]
	verdict := fingerprint.Compare(older.Fingerprint, newer.Fingerprint)
	older.Distance = verdict.Distance
	own := s.sightOf(newer)
	own.patient = true
	if verdict.Kind == fingerprint.Undecided && own.mayCopy(older) {
		kept := s.sightOf(older)
		kept.patient = true
		same, err := s.isCopy(ctx, own, kept)
		if err != nil {
			return err
		}
		if same {
			return s.foldInto(ctx, older, newer)
		}
	}
	if verdict.Kind == fingerprint.Different {
		return nil
	}
	var batch pgx.Batch
	lookalike.QueueNear(&batch, older.ID, newer.ID, verdict.Distance)
	if err := s.Pool.SendBatch(ctx, &batch).Close(); err != nil && !isGone(err) {
		return fmt.Errorf("list pictures as near: %w", err)
	}
	return nil
}

func scanStored(row pgx.CollectableRow) (c lookalike.Candidate, err error) {
	var milliseconds int64
	var look []byte
	err = row.Scan(&c.ID, &c.SHA256, &c.Format, &c.Width, &c.Height, &c.Frames, &milliseconds, &c.Bytes, &c.UploadedAt, &look)
	if err != nil {
		return c, err
	}
	c.Duration = time.Duration(milliseconds) * time.Millisecond
	c.Fingerprint = new(fingerprint.Fingerprint)
	return c, c.Fingerprint.UnmarshalBinary(look)
}

// Decoded makes a picture findable that was not decoded when it came in, and
// enqueues its comparison with those that look alike.
func (s *Service) Decoded(ctx context.Context, id uuid.UUID, p *fingerprint.Picture) error {
	look, probes, ok := fingerprint.Of(p)
	if !ok {
		return nil
	}
	var scope string
	err := s.Pool.QueryRow(ctx, `SELECT scope FROM images WHERE id = $1`, id).Scan(&scope)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("find copies of a decoded picture: %w", err)
	}
	found, seen, err := lookalike.Find(ctx, s.Pool, scope, look, probes)
	if err != nil {
		return err
	}
	var pairs [][2]uuid.UUID
	for _, c := range found {
		if c.ID != id {
			pairs = append(pairs, [2]uuid.UUID{c.ID, id})
		}
	}
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var batch pgx.Batch
		lookalike.Queue(&batch, id, scope, look, probes, seen)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		return s.Later.Fold(ctx, tx, pairs[:min(len(pairs), maxNear)])
	})
	if err != nil && !isGone(err) {
		return fmt.Errorf("find copies of a decoded picture: %w", err)
	}
	return nil
}
