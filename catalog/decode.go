package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/imaging/heif"
	"inlet/stats"
	"inlet/vault"
)

const (
	undecodableQuery = `
		UPDATE images SET flags = array_append(flags, 'undecodable')
		 WHERE id = $1 AND NOT 'undecodable' = ANY(flags) RETURNING uploaded_at`

	isUndecodableQuery = `SELECT 'undecodable' = ANY(flags) FROM images WHERE id = $1`
)

// Decode decodes a HEIC or AVIF and makes all of its variants. It returns the
// picture for comparisons, nil where there is nothing to compare or no such
// picture any more. It flags a picture that cannot be decoded. It may be called
// again.
func (s *Service) Decode(ctx context.Context, id uuid.UUID) (*fingerprint.Picture, error) {
	img, err := s.Get(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && img.ID != id { // deleted or merged meanwhile
		return nil, nil
	}
	if err != nil {
		return nil, err
	}

	decoded, err := s.decode(ctx, img)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, errMerged):
		return nil, nil
	case errors.Is(err, imaging.ErrUndecodable), errors.Is(err, imaging.ErrTooManyPixels):
		return nil, s.FlagUndecodable(ctx, id)
	case err != nil:
		return nil, fmt.Errorf("decode image %s: %w", id, err)
	}

	for _, width := range vault.Widths() {
		jpeg, err := decoded.Thumbnail(width)
		if err != nil {
			return nil, fmt.Errorf("make a variant of image %s: %w", id, err)
		}
		if err := s.Vault.PutVariant(ctx, img.SHA256, width, jpeg); err != nil {
			return nil, err
		}
	}
	if decoded.Cut {
		return nil, nil
	}

	return decoded.Picture(fingerprint.Side), nil
}

func (s *Service) decode(ctx context.Context, img Image) (heif.Image, error) {
	original, err := s.Open(ctx, img)
	if err != nil {
		return heif.Image{}, err
	}
	defer original.Close()

	return s.Decoder.Decode(ctx, original, original.Size())
}

// FlagUndecodable notes that a picture cannot be decoded.
func (s *Service) FlagUndecodable(ctx context.Context, id uuid.UUID) error {
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var uploadedAt time.Time
		if err := tx.QueryRow(ctx, undecodableQuery, id).Scan(&uploadedAt); err != nil {
			return err
		}
		var batch pgx.Batch
		stats.Queue(&batch, stats.Flagged(uploadedAt, map[string]int64{"undecodable": 1}))

		return tx.SendBatch(ctx, &batch).Close()
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows): // flagged before, or gone
		return nil
	case err != nil:
		return fmt.Errorf("flag image %s as undecodable: %w", id, err)
	}
	s.Committed()

	return nil
}

// notDecoded tells why a picture of a slow format has no variant: it is
// undecodable, or its job has not run yet. A job makes lost variants again.
func (s *Service) notDecoded(ctx context.Context, img Image) error {
	why := imaging.ErrNotReady
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var undecodable bool
		err := tx.QueryRow(ctx, isUndecodableQuery, img.ID).Scan(&undecodable)
		switch {
		case err != nil:
			return err
		case undecodable:
			why = imaging.ErrUndecodable
			return nil
		case s.Later == nil:
			return nil
		}

		return s.Later.Decode(ctx, tx, img.ID)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return s.missing(ctx, img)
	case err != nil:
		return fmt.Errorf("look for the variants of image %s: %w", img.ID, err)
	}

	return why
}
