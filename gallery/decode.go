package gallery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/imaging/heif"
)

// Decoder decodes what Thumbnailer does not: HEIC and AVIF.
type Decoder interface {
	Decode(ctx context.Context, r io.ReaderAt, size int64) (heif.Image, error)
}

// Later enqueues jobs.
type Later interface {
	// Decode has Service.Decode called in a while, once however often it is asked.
	Decode(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
}

const (
	undecodableQuery = `
		UPDATE images SET flags = array_append(flags, 'undecodable')
		 WHERE id = $1 AND NOT 'undecodable' = ANY(flags)`

	isUndecodableQuery = `SELECT 'undecodable' = ANY(flags) FROM images WHERE id = $1`
)

// Decode decodes a picture that takes long, makes all of its variants, and gives
// what it looks like: nil where there is nothing to compare, or no such picture
// any more. One that cannot be decoded is flagged so. It may be called again.
func (s *Service) Decode(ctx context.Context, id uuid.UUID) (*fingerprint.Picture, error) {
	img, err := s.Get(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && img.ID != id { // deleted or folded meanwhile
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := s.decode(ctx, img)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrFolded):
		return nil, nil
	case errors.Is(err, imaging.ErrUndecodable), errors.Is(err, imaging.ErrTooManyPixels):
		return nil, s.FlagUndecodable(ctx, id)
	case err != nil:
		return nil, fmt.Errorf("decode image %s: %w", id, err)
	}
	for _, width := range Widths {
		jpeg, err := m.Thumbnail(width)
		if err != nil {
			return nil, fmt.Errorf("make a variant of image %s: %w", id, err)
		}
		if err := s.Blobs.Put(ctx, blob.VariantKey(blob.ContentKey(img.SHA256), width), bytes.NewReader(jpeg)); err != nil {
			return nil, err
		}
	}
	if m.Cut {
		return nil, nil
	}
	return m.Picture(fingerprint.Side), nil
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
	if _, err := s.Pool.Exec(ctx, undecodableQuery, id); err != nil {
		return fmt.Errorf("flag image %s as undecodable: %w", id, err)
	}
	return nil
}

// notDecoded tells why a picture has no variants that are not made on request.
// Either it never will, or they are still to come; were they lost, they are made
// again.
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
	if errors.Is(err, pgx.ErrNoRows) {
		return s.missing(ctx, img)
	}
	if err != nil {
		return fmt.Errorf("look for the variants of image %s: %w", img.ID, err)
	}
	return why
}
