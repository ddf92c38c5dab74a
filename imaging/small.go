package imaging

import (
	"context"
	"image"
	"io"
)

const (
	// SmallSide is the length in pixels of the short side that Small keeps at least,
	// where the file has as many and the picture is not very narrow.
	SmallSide = 224
	// SmallMax bounds the long side of what Small returns.
	SmallMax = 2048
)

// Small decodes the first frame to look at it rather than to show it: upright, over
// white, opaque, by averaging squares of pixels. The short side of the result is
// SmallSide to 2·SmallSide−1 pixels long, or as long as the file has it; the long
// side has at most SmallMax, also where that makes the short one shorter. An eighth
// of a large JPEG serves for it. Decoding stays within the Inspector's memory and
// ends with ctx. HEIC and AVIF are ErrNotReady.
func (in *Inspector) Small(ctx context.Context, r io.ReaderAt, size int64, f Format) (*image.RGBA, error) {
	return fromSource(ctx, r, size, func(src *source) (*image.RGBA, error) {
		return in.shrunk(ctx, src, f, func(w, h, _ int) (int, int) { return smallSize(w, h) })
	})
}

// SmallOf is Small for a picture that was decoded elsewhere; orientation is as that
// of EXIF.
func SmallOf(m image.Image, orientation int) (*image.RGBA, error) {
	w, h := smallSize(m.Bounds().Dx(), m.Bounds().Dy())
	small, err := shrink(whole(m).rows(), w, h)
	if err != nil {
		return nil, err
	}

	return upright(small, orientation), nil
}

// smallSize is the size to which Small scales a picture of w×h pixels. It divides by
// a whole number, from eight on by a multiple of eight: then the squares that are
// averaged fall on pixels, also on those of an eighth of a JPEG.
func smallSize(w, h int) (int, int) {
	by := max(1, min(w, h)/SmallSide)
	if by >= 8 {
		by -= by % 8
	}

	w, h = max(1, w/by), max(1, h/by)
	if long := max(w, h); long > SmallMax {
		return max(1, w*SmallMax/long), max(1, h*SmallMax/long)
	}
	return w, h
}
