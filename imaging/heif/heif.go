// Package heif decodes the pixels of HEIC and AVIF files. The decoders are
// libheif with libde265, and libavif with libaom, compiled to WebAssembly
// (docs/adr/0007): they see the bytes of one file and memory of their own, and
// have no files, no network, no clock and no way out.
//
// It promises that one picture at a time is decoded, within the memory, the
// pixels and the time that the Decoder was given, whatever the file holds; and
// that the memory is back with the system when a decoding ends.
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

// ErrSlow says that decoding took longer than the Decoder allows. The machine
// may have been busy, so it is worth another attempt.
var ErrSlow = errors.New("the picture takes too long to decode")

// Limits of a Decoder.
type Limits struct {
	// Memory is how many bytes a decoder may have, the file included; at most
	// 4 GiB. What is decoded takes up to 4 bytes a pixel beside it.
	Memory int64
	Pixels int64         // of a picture, as the file declares them
	Time   time.Duration // for one picture
}

// Image is what was decoded.
type Image struct {
	image.Image
	// Orientation turns it upright, as that of EXIF would.
	Orientation int
	// Cut says that the file has an alpha channel that Image does not show.
	Cut bool
}

// Decoder decodes pictures one after another. It is safe for concurrent use.
type Decoder struct {
	limits Limits
	turn   chan *engine // holds the one engine while nobody has it
}

// NewDecoder makes a Decoder. The decoders are compiled when the first picture
// comes.
func NewDecoder(l Limits) *Decoder {
	d := &Decoder{limits: l, turn: make(chan *engine, 1)}
	d.turn <- &engine{}
	return d
}

// Close gives back the compiled decoders, after the decoding that is under way.
func (d *Decoder) Close(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case e := <-d.turn:
		defer func() { d.turn <- e }()
		return e.close(ctx)
	}
}

// Decode decodes the first picture of a file. A file that is damaged, or that
// needs more memory than there is, is imaging.ErrUndecodable; one with too many
// pixels imaging.ErrTooManyPixels. Failures of r and of ctx come back as they
// are, wrapped.
func (d *Decoder) Decode(ctx context.Context, r io.ReaderAt, size int64) (Image, error) {
	h, err := isobmff.Parse(r, size)
	switch {
	case errors.Is(err, isobmff.ErrMalformed):
		return Image{}, undecodable("%v", err)
	case err != nil:
		return Image{}, err
	}
	decode := libheif
	if h.Codec == "av01" {
		decode = libavif
	}
	if err := d.fits(h.Width, h.Height); err != nil {
		return Image{}, err
	}
	var e *engine
	select {
	case <-ctx.Done():
		return Image{}, fmt.Errorf("wait for the decoder: %w", ctx.Err())
	case e = <-d.turn:
	}
	defer func() { d.turn <- e }()
	limited, cancel := context.WithTimeout(ctx, d.limits.Time)
	defer cancel()
	f := file{ReaderAt: r, size: size, header: h}
	m, err := e.decode(limited, decode, &f, d.limits)
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

// Picture is imaging.Inspector.Picture for HEIC and AVIF. Of a sequence there is
// the first frame alone.
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

// Picture makes of a picture what is compared with others; side is its longest.
func (m Image) Picture(side int) *fingerprint.Picture {
	b := m.Bounds()
	return fingerprint.New(m.Image, fingerprint.Frame{
		Width: b.Dx(), Height: b.Dy(), Scale: 1, Orientation: m.Orientation, Side: side,
	})
}

// Thumbnail is imaging.Inspector.Thumbnail of what was decoded.
func (m Image) Thumbnail(width int) ([]byte, error) {
	return imaging.ThumbnailOf(m.Image, m.Orientation, width)
}

// fits checks dimensions as they are declared.
func (d *Decoder) fits(width, height int) error { return d.limits.fit(width, height) }

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
