package gallery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"inlet/blob"
	"inlet/imaging"
)

// variantWait bounds the making of one variant.
const variantWait = time.Minute

// Widths of the variants that can be asked for.
var Widths = []int{160, 320, 640, 1280}

// Variant opens the JPEG of a picture that is at most width pixels wide. It is
// made at the first request, once however many come together, and again if it
// was lost. Variants of HEIC and AVIF are made by Decode: until then they are
// imaging.ErrNotReady.
func (s *Service) Variant(ctx context.Context, img Image, width int) (blob.Blob, error) {
	if !slices.Contains(Widths, width) {
		return nil, ErrWidth
	}
	key := blob.VariantKey(blob.ContentKey(img.SHA256), width)
	b, err := s.Blobs.Open(ctx, key)
	if !errors.Is(err, blob.ErrNotFound) {
		return b, err
	}
	// The work goes on when the one who asked first goes away: others wait.
	made := s.variants.DoChan(string(key), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), variantWait)
		defer cancel()
		return nil, s.makeVariant(ctx, img, width, key)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-made:
		if result.Err != nil {
			return nil, result.Err
		}
	}
	b, err = s.Blobs.Open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, s.missing(ctx, img)
	}
	return b, err
}

func (s *Service) makeVariant(ctx context.Context, img Image, width int, key blob.Key) (err error) {
	// This runs on a goroutine of its own, where a decoder's panic would end the
	// process.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("make a variant of image %s: panic: %v", img.ID, r)
		}
	}()
	original, err := s.Open(ctx, img)
	if err != nil {
		return err
	}
	defer original.Close()
	jpeg, err := s.Thumbnailer.Thumbnail(ctx, original, original.Size(), img.Format, width)
	if errors.Is(err, imaging.ErrNotReady) {
		return s.notDecoded(ctx, img)
	}
	if err != nil {
		return fmt.Errorf("make a variant of image %s: %w", img.ID, err)
	}
	return s.Blobs.Put(ctx, key, bytes.NewReader(jpeg))
}
