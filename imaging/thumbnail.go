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
)

// Thumbnail makes a JPEG of the picture that is at most width pixels wide: the
// first frame, upright, over white, without metadata, never enlarged. It decodes
// within the Inspector's memory. HEIC and AVIF are ErrNotReady.
func (in *Inspector) Thumbnail(ctx context.Context, r io.ReaderAt, size int64, f Format, width int) ([]byte, error) {
	return fromSource(ctx, r, size, func(src *source) ([]byte, error) { return in.thumbnail(ctx, src, f, width) })
}

func (in *Inspector) thumbnail(ctx context.Context, src *source, f Format, width int) ([]byte, error) {
	small, err := in.shrunk(ctx, src, f, func(w, h, orientation int) (int, int) {
		return target(w, h, width, turned(orientation))
	})
	if err != nil {
		return nil, err
	}

	return encodeThumbnail(small)
}

// ThumbnailOf is Thumbnail for a picture that was decoded elsewhere; orientation
// is as that of EXIF.
func ThumbnailOf(m image.Image, orientation, width int) ([]byte, error) {
	w, h := target(m.Bounds().Dx(), m.Bounds().Dy(), width, turned(orientation))
	small, err := shrink(whole(m).rows(), w, h)
	if err != nil {
		return nil, err
	}

	return encodeThumbnail(upright(small, orientation))
}

func encodeThumbnail(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: thumbnailQuality})
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
