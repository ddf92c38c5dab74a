// Package heif decodes the pixels of HEIC and AVIF files. The decoders are libheif
// with libde265, and libavif with libaom, compiled to WebAssembly (docs/adr/0007).
// They see the bytes of one file and a memory of their own; they have no files, no
// network, no clock and no other way out.
//
// It promises that a Decoder decodes one picture at a time, within its limits of
// memory, pixels and time, whatever the file holds; and that the system has the
// memory back when a decoding ends.
package heif

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/imaging/isobmff"
)

// ErrSlow means that decoding took longer than the limit. The machine may have been
// busy, so another attempt is worth it.
var ErrSlow = errors.New("the picture takes too long to decode")

// Limits of a Decoder.
type Limits struct {
	// Memory is how many bytes a decoder may use, the file included; at most 4 GiB.
	// The decoded Image takes up to 4 bytes a pixel in addition.
	Memory int64
	Pixels int64         // of a picture, as the file declares them
	Time   time.Duration // for one picture
}

// Image is a decoded picture.
type Image struct {
	image.Image
	Orientation int  // turns it upright: 1 to 8, as in EXIF
	Cut         bool // the file has an alpha channel that Image does not show
}

// Decoder decodes pictures one after another. It is safe for concurrent use.
type Decoder struct {
	limits Limits
	idle   chan *engine // holds the one engine while no decoding uses it
}

// NewDecoder makes a Decoder. It compiles a library for the first picture that
// needs it.
func NewDecoder(l Limits) *Decoder {
	d := &Decoder{limits: l, idle: make(chan *engine, 1)}
	d.idle <- &engine{}
	return d
}

// Close frees the compiled libraries, after the decoding that is under way.
func (d *Decoder) Close(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case e := <-d.idle:
		defer func() { d.idle <- e }()
		return e.close(ctx)
	}
}

// Decode decodes the first picture of a file. It returns imaging.ErrUndecodable for
// a file that is damaged or needs more memory than the limit, and
// imaging.ErrTooManyPixels for one with too many pixels. It wraps failures of r and
// of ctx as they are.
func (d *Decoder) Decode(ctx context.Context, r io.ReaderAt, size int64) (Image, error) {
	h, err := isobmff.Parse(r, size)
	switch {
	case errors.Is(err, isobmff.ErrMalformed):
		return Image{}, undecodable("%v", err)
	case err != nil:
		return Image{}, err
	}
	if err := d.limits.fit(h.Width, h.Height); err != nil {
		return Image{}, err
	}
	l := libheif
	if h.Codec == "av01" {
		l = libavif
	}

	var e *engine
	select {
	case <-ctx.Done():
		return Image{}, fmt.Errorf("wait for the decoder: %w", ctx.Err())
	case e = <-d.idle:
	}
	defer func() { d.idle <- e }()

	limited, cancel := context.WithTimeout(ctx, d.limits.Time)
	defer cancel()
	m, err := e.decode(limited, l, &file{ReaderAt: r, size: size, header: h}, d.limits)
	switch {
	case err == nil:
		return m, nil
	case ctx.Err() != nil:
		return Image{}, fmt.Errorf("decode: %w", ctx.Err())
	case limited.Err() != nil:
		return Image{}, fmt.Errorf("%w: it was given %v", ErrSlow, d.limits.Time)
	}

	return Image{}, err
}

// Picture is imaging.Inspector.Picture for HEIC and AVIF. It refuses any frame of a
// sequence but the first.
func (d *Decoder) Picture(ctx context.Context, r io.ReaderAt, size int64, want imaging.Want) (*fingerprint.Picture, error) {
	if want.Frame != 0 {
		return nil, undecodable("of a sequence the first frame alone is decoded")
	}
	m, err := d.Decode(ctx, r, size)
	if err != nil {
		return nil, err
	}

	return m.Picture(want.Side), nil
}

// Picture makes the fingerprint.Picture, whose longest side has at most so many
// samples.
func (m Image) Picture(side int) *fingerprint.Picture {
	b := m.Bounds()
	return fingerprint.New(m.Image, fingerprint.Frame{
		Width: b.Dx(), Height: b.Dy(), Scale: 1, Orientation: m.Orientation, Side: side,
	})
}

// Thumbnail is imaging.Inspector.Thumbnail of the decoded picture.
func (m Image) Thumbnail(width int) ([]byte, error) {
	return imaging.ThumbnailOf(m.Image, m.Orientation, width)
}

func (l Limits) fit(width, height int) error {
	if width <= 0 || height <= 0 {
		return undecodable("it is %d×%d pixels", width, height)
	}
	if int64(width) > l.Pixels/int64(height) {
		return fmt.Errorf("%w: %d×%d, at most %d are decoded", imaging.ErrTooManyPixels, width, height, l.Pixels)
	}
	return nil
}

func undecodable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", imaging.ErrUndecodable, fmt.Sprintf(format, args...))
}
