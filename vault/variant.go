package vault

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

// Widths lists the variants: JPEGs at most so many pixels wide.
func Widths() []int { return []int{160, 320, 640, 1280} }

// Variant opens the variant of a content. The first request makes it, once
// however many come together, and a later one makes it again if it was lost.
// imaging.ErrNotReady says that the format takes seconds to decode: then the
// worker makes all variants, and gives them to PutVariant.
func (v *Vault) Variant(ctx context.Context, sum [32]byte, format imaging.Format, width int) (blob.Blob, error) {
	if !slices.Contains(Widths(), width) {
		return nil, ErrWidth
	}
	key := VariantKey(sum, width)
	b, err := v.Blobs.Open(ctx, key)
	if !errors.Is(err, blob.ErrNotFound) {
		return b, err
	}

	// The work outlives the first request: others wait for it.
	made := v.variants.DoChan(string(key), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), variantWait)
		defer cancel()

		return nil, v.makeVariant(ctx, sum, format, width)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-made:
		if result.Err != nil {
			return nil, result.Err
		}
	}

	return v.Blobs.Open(ctx, key)
}

func (v *Vault) makeVariant(ctx context.Context, sum [32]byte, format imaging.Format, width int) (err error) {
	// A decoder's panic on this goroutine would end the process.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("make a variant: panic: %v", r)
		}
	}()

	original, err := v.Open(ctx, sum)
	if err != nil {
		return err
	}
	defer original.Close()
	jpeg, err := v.Thumbnailer.Thumbnail(ctx, original, original.Size(), format, width)
	if err != nil {
		return err
	}

	return v.PutVariant(ctx, sum, width, jpeg)
}

// PutVariant keeps a variant that somebody else made.
func (v *Vault) PutVariant(ctx context.Context, sum [32]byte, width int, jpeg []byte) error {
	return v.Blobs.Put(ctx, VariantKey(sum, width), bytes.NewReader(jpeg))
}

// VariantKey is where the store has a variant.
func VariantKey(sum [32]byte, width int) blob.Key {
	return blob.VariantKey(blob.ContentKey(sum), width)
}
