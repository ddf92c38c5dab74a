package upload

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db"
	"inlet/imaging/fingerprint"
	"inlet/upload/match"
)

// Settle finds pictures that resemble each other and were stored at the same
// moment, and enqueues their comparison.
func (s *Service) Settle(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		pairs, err := match.Settle(ctx, tx)
		if err != nil || len(pairs) == 0 {
			return err
		}
		ids := make([][2]uuid.UUID, len(pairs))
		for i, p := range pairs {
			ids[i] = [2]uuid.UUID{p.First, p.Second}
		}

		return s.Later.Compare(ctx, tx, ids)
	})
}

// Compare compares two stored pictures. If the newer one is a copy of the older
// and no larger, Compare merges it into that one; near-duplicates it lists with
// each other. It may be called again.
func (s *Service) Compare(ctx context.Context, a, b uuid.UUID) error {
	stored, err := match.Stored(ctx, s.Pool, a, b)
	if err != nil || len(stored) < 2 { // one of them has gone, or was merged
		return err
	}
	older, newer := stored[0], stored[1]
	verdict := fingerprint.Compare(older.Fingerprint, newer.Fingerprint)
	if verdict.Kind == fingerprint.Different {
		return nil
	}

	own := s.subjectOf(newer)
	if verdict.Kind == fingerprint.Undecided && own.mayCopy(older) {
		other := s.subjectOf(older)
		own.patient, other.patient = true, true
		isCopy, err := s.isCopy(ctx, own, other)
		if err != nil {
			return err
		}
		if isCopy {
			return s.Catalog.Merge(ctx, older.Stored, newer.Stored, verdict.Distance)
		}
	}

	var batch pgx.Batch
	catalog.QueueNear(&batch, older.ID, newer.ID, verdict.Distance)
	if err := s.Pool.SendBatch(ctx, &batch).Close(); err != nil && !db.Gone(err) {
		return fmt.Errorf("list near-duplicates: %w", err)
	}

	return nil
}

// Decoded makes a picture findable that a job has decoded, and enqueues its
// comparison with its candidates.
func (s *Service) Decoded(ctx context.Context, id uuid.UUID, p *fingerprint.Picture) error {
	own, probes, ok := fingerprint.Of(p)
	if !ok {
		return nil
	}
	scope, err := s.Catalog.Scope(ctx, id)
	if errors.Is(err, catalog.ErrNotFound) { // deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	found, seen, err := match.Find(ctx, s.Pool, scope, own, probes)
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
		catalog.QueuePHash(&batch, id, own.Hash)
		match.Queue(&batch, id, scope, own, probes, seen)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}

		return s.Later.Compare(ctx, tx, pairs[:min(len(pairs), maxNear)])
	})
	if errors.Is(err, catalog.ErrNotFound) || db.Gone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find copies of a decoded picture: %w", err)
	}

	return nil
}
