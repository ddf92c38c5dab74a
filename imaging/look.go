package imaging

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"inlet/imaging/dcjpeg"
	"inlet/imaging/fingerprint"
)

// Want says which picture of a file Picture decodes, and how large.
type Want struct {
	Side  int // longest side that is kept: fingerprint.Side or FullSide
	Frame int // of an animation, or page of a TIFF, from 0
}

// Picture decodes a file to compare it with others. It takes the fewest pixels
// that will do: an eighth of a JPEG at fingerprint.Side, rows where the format
// has them; and it stays within the Inspector's memory. The picture that comes
// back is the caller's to account for: at most Side² bytes and a little.
//
// A file that was accepted may be ErrUndecodable all the same: some kinds are
// kept that nothing here decodes, and of animations and pages only the first is
// checked when they come in. HEIC and AVIF are ErrNotReady. Of a picture
// with nothing to compare in it, by its shape or by the size of its file, the
// dimensions come back alone.
func (in *Inspector) Picture(ctx context.Context, r io.ReaderAt, size int64, f Format, want Want) (*fingerprint.Picture, error) {
	src := &source{r: io.NewSectionReader(r, 0, size), done: ctx.Err}
	p, err := in.picture(ctx, src, f, in.orientation(src, f, want.Frame), want)
	if src.failure != nil {
		return nil, src.failure
	}
	return p, err
}

// orientation is that of a frame: pages of a TIFF have their own.
func (in *Inspector) orientation(src *source, f Format, frame int) int {
	if f != TIFF || frame <= 0 {
		return readMeta(src, f).Orientation
	}
	t, _, err := in.tiffPicture(src, frame)
	if err != nil {
		return 0 // decoding says it again
	}
	o, err := t.number(tiffOrientation, 0)
	if err != nil {
		return 0
	}
	return int(o)
}

func (in *Inspector) picture(ctx context.Context, src *source, f Format, orientation int, want Want) (*fingerprint.Picture, error) {
	if err := decodable(f); err != nil {
		return nil, err
	}
	if want.Frame < 0 {
		return nil, noFrame(want.Frame)
	}
	size, err := in.size(src, f, want.Frame)
	if err != nil {
		return nil, err
	}
	frame := fingerprint.Frame{Width: size.X, Height: size.Y, Scale: 1, Orientation: orientation, Side: want.Side}
	small := want.Side <= fingerprint.Side && fingerprint.EighthForComparison(size.X, size.Y)
	if f == JPEG && !small {
		frame.Quant = in.jpegQuantisation(src)
	}
	ways := in.ways(src, f, want.Frame, size, small)
	if narrow(size, want.Side) || in.hollow(src, ways) {
		if orientation >= 5 && orientation <= 8 {
			size.X, size.Y = size.Y, size.X
		}
		return &fingerprint.Picture{Width: size.X, Height: size.Y}, nil
	}
	var p *fingerprint.Picture
	err = in.tryEach(ctx, ways, lookMemory(size, want.Side), func(w way) error {
		p, err = w.look(src, frame)
		return err
	})
	return p, err
}

// look is what an accepted file looks like: nil where there is nothing to
// compare, and for kinds that are taken though nothing here decodes them.
func (in *Inspector) look(ctx context.Context, src *source, f Format, orientation int) (*fingerprint.Picture, error) {
	p, err := in.picture(ctx, src, f, orientation, Want{Side: fingerprint.Side})
	if err != nil && (src.failure != nil || ctx.Err() != nil) {
		return nil, err
	}
	return p, nil // it is as sound as its reader found it
}

// minLook is how many samples a side must have for a comparison.
const minLook = 16

// narrow says that there would be too little of a picture once its longest side
// is cut to side. It bounds what a few rows of those with the longest rows take.
func narrow(size image.Point, side int) bool {
	short, long := int64(min(size.X, size.Y)), int64(max(size.X, size.Y))
	return short < minLook || short*int64(side) < minLook*long
}

// hollow says that a file would take several times what all may take together,
// and holds very little for that: then the picture is blank or nearly so, and its
// copies are known by their bytes. Of real pictures a night sky as a lossy WebP
// comes near: 450 pixels a byte, for each of which 16 bytes are counted.
func (in *Inspector) hollow(src *source, ways []way) bool {
	const times, perByte = 4, 1000
	return len(ways) > 0 && ways[0].memory > times*in.memory+perByte*src.size()
}

// lookMemory is what a fingerprint.Picture takes while it is made: its planes,
// once more to turn them, and the shares of columns and rows.
func lookMemory(size image.Point, side int) int64 {
	w, h := int64(size.X), int64(size.Y)
	across, down := min(w, int64(side)), min(h, int64(side))
	return 2*across*down + 128*(w+h)
}

// look makes a picture of a frame.
func (w way) look(src *source, frame fingerprint.Frame) (*fingerprint.Picture, error) {
	if w.rows != nil {
		r, done, err := w.rows()
		defer done()
		if err != nil {
			return nil, err
		}
		return fingerprint.NewRows(frame, src.rows(r.next))
	}
	m, err := w.whole()
	if err != nil {
		return nil, err
	}
	switch m.Image.(type) {
	case *image.YCbCr, *image.NYCbCrA, *image.Gray:
		frame.Scale, frame.Limited = m.scale, m.limited
		return fingerprint.New(m.Image, frame), nil
	}
	return fingerprint.NewRows(frame, src.rows(m.rows().next))
}

// tryEach runs use, within memory, on each way until one leads to the picture.
func (in *Inspector) tryEach(ctx context.Context, ways []way, memory int64, use func(way) error) error {
	err := undecodable("nothing here decodes its kind")
	for _, w := range ways {
		err = in.within(ctx, w.memory+memory, func() error { return use(w) })
		if !errors.Is(err, dcjpeg.ErrUnsupported) {
			break
		}
	}
	return err
}

// decodable says whether Thumbnail and Picture decode a format.
func decodable(f Format) error {
	if f == HEIC || f == AVIF {
		return ErrNotReady
	}
	if _, known := decoders[f]; !known {
		return fmt.Errorf("%w: %q", ErrUnsupported, f)
	}
	return nil
}
