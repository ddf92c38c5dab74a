package imaging

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"math"
)

const (
	// thumbnailQuality is that of the JPEGs that Thumbnail makes.
	thumbnailQuality = 82
	// maxSide is the longest side that a JPEG may have.
	maxSide = 65535
	// maxThumbnail bounds the pixels of thumbnails of very narrow pictures.
	maxThumbnail = 8 << 20
	// maxLine bounds what a row takes, and how the columns and rows are shared.
	maxLine = 1 << 20
)

// Thumbnail makes a JPEG of the picture that is at most width pixels wide: the
// first frame, upright, over white, without metadata, never enlarged. It decodes
// within the Inspector's memory. HEIC and AVIF are ErrNotReady.
func (in *Inspector) Thumbnail(ctx context.Context, r io.ReaderAt, size int64, f Format, width int) ([]byte, error) {
	return fromSource(ctx, r, size, func(src *source) ([]byte, error) { return in.thumbnail(ctx, src, f, width) })
}

func (in *Inspector) thumbnail(ctx context.Context, src *source, f Format, width int) (out []byte, err error) {
	if err := decodable(f); err != nil {
		return nil, err
	}

	size, err := in.size(src, f, 0)
	if err != nil {
		return nil, err
	}
	if max(size.X, size.Y) > maxLine {
		return nil, undecodable("%d×%d pixels are not scaled", size.X, size.Y)
	}

	orientation := src.meta(f).Orientation
	w, h := target(size.X, size.Y, width, turned(orientation))
	ways := in.ways(src, f, 0, size, w <= size.X/8 && h <= size.Y/8)
	err = in.tryEach(ctx, ways, 0, func(way way) error {
		return way.open(func(r rows) error {
			out, err = scaled(r, w, h, orientation)
			return err
		})
	})

	return out, err
}

// ThumbnailOf is Thumbnail for a picture that was decoded elsewhere; orientation
// is as that of EXIF.
func ThumbnailOf(m image.Image, orientation, width int) ([]byte, error) {
	w, h := target(m.Bounds().Dx(), m.Bounds().Dy(), width, turned(orientation))
	return scaled(whole(m).rows(), w, h, orientation)
}

// scaled scales a picture to w×h pixels and turns it upright.
func scaled(picture rows, w, h, orientation int) ([]byte, error) {
	small, err := shrink(picture, w, h)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, upright(small, orientation), &jpeg.Options{Quality: thumbnailQuality})
	return b.Bytes(), err
}

// target is the size to which a picture of w×h pixels is scaled before it is
// turned upright. Turned says that its height becomes the width.
func target(w, h, width int, turned bool) (int, int) {
	across := w
	if turned {
		across = h
	}
	scale := min(1, float64(width)/float64(across), maxSide/float64(max(w, h)), math.Sqrt(maxThumbnail/(float64(w)*float64(h))))
	return max(1, int(float64(w)*scale+0.5)), max(1, int(float64(h)*scale+0.5))
}

// upright undoes an EXIF orientation.
func upright(m *image.RGBA, orientation int) *image.RGBA {
	flipX := orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8
	flipY := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
	transposed := turned(orientation)
	if !flipX && !flipY && !transposed {
		return m
	}

	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if transposed {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}

	for y := range h {
		for x := range w {
			toX, toY := x, y
			if flipX {
				toX = w - 1 - x
			}
			if flipY {
				toY = h - 1 - y
			}
			if transposed {
				toX, toY = toY, toX
			}
			copy(out.Pix[out.PixOffset(toX, toY):][:4], m.Pix[m.PixOffset(x, y):])
		}
	}

	return out
}
