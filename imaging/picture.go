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
	Side  int // longest side of the result: fingerprint.Side or FullSide
	Frame int // of an animation, or page of a TIFF, from 0
}

// Picture decodes a file to compare it with others. It takes the fewest pixels
// that will do: an eighth of a JPEG at fingerprint.Side, rows where the format
// has them; and it stays within the Inspector's memory. The caller accounts for
// the result: at most Side² bytes and a little.
//
// A file that was accepted may be ErrUndecodable all the same: nothing here
// decodes some of the accepted kinds, and Inspect checks only the first of
// several frames or pages. HEIC and AVIF are ErrNotReady. A picture with nothing
// to compare in it, by its shape or by the size of its file, comes back as its
// dimensions alone.
func (in *Inspector) Picture(ctx context.Context, r io.ReaderAt, size int64, f Format, want Want) (*fingerprint.Picture, error) {
	return fromSource(ctx, r, size, func(src *source) (*fingerprint.Picture, error) {
		return in.reduce(ctx, src, f, in.orientation(src, f, want.Frame), want)
	})
}

// orientation is that of a frame: pages of a TIFF have their own.
func (in *Inspector) orientation(src *source, f Format, frame int) int {
	if f != TIFF || frame <= 0 {
		return src.meta(f).Orientation
	}

	t, _, err := in.tiffPicture(src, frame)
	if err != nil {
		return 0 // decoding reports it again
	}
	return int(t.number(tiffOrientation, 0))
}

// reduce decodes a frame for comparison.
func (in *Inspector) reduce(ctx context.Context, src *source, f Format, orientation int, want Want) (*fingerprint.Picture, error) {
	if err := decodable(f); err != nil {
		return nil, err
	}
	if only := f == JPEG || f == BMP; want.Frame < 0 || want.Frame > 0 && only {
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
		if turned(orientation) {
			size.X, size.Y = size.Y, size.X
		}
		return &fingerprint.Picture{Width: size.X, Height: size.Y}, nil
	}

	var p *fingerprint.Picture
	err = in.tryEach(ctx, ways, reducedMemory(size, want.Side), func(w way) error {
		p, err = w.reduce(src, frame)
		return err
	})
	return p, err
}

// reduceAccepted reduces the first picture of an accepted file. It is nil where
// there is nothing to compare, and for kinds that nothing here decodes.
func (in *Inspector) reduceAccepted(ctx context.Context, src *source, f Format, orientation int) (*fingerprint.Picture, error) {
	p, err := in.reduce(ctx, src, f, orientation, Want{Side: fingerprint.Side})
	if err != nil && (src.failure != nil || ctx.Err() != nil) {
		return nil, err
	}
	return p, nil // the format's reader decided that the file is sound
}

// turned says whether an EXIF orientation makes the height the width.
func turned(orientation int) bool { return orientation >= 5 && orientation <= 8 }

// minSide is how many samples a side must have for a comparison.
const minSide = 16

// narrow says that there would be too little of a picture once its longest side
// is cut to side. It bounds what a few rows of those with the longest rows take.
func narrow(size image.Point, side int) bool {
	short, long := int64(min(size.X, size.Y)), int64(max(size.X, size.Y))
	return short < minSide || short*int64(side) < minSide*long
}

// hollow says that decoding would take several times the Inspector's memory for
// a file that holds very little: then the picture is blank or nearly so, and its
// copies are known by their bytes. Of real pictures a night sky as a lossy WebP
// comes near: 450 pixels a byte, at 16 bytes a pixel.
func (in *Inspector) hollow(src *source, ways []way) bool {
	const times, perByte = 4, 1000
	return len(ways) > 0 && ways[0].memory > times*in.memory+perByte*src.size()
}

// reducedMemory is what a fingerprint.Picture takes while it is made, in bytes:
// its planes, once more to turn them, and the shares of columns and rows.
func reducedMemory(size image.Point, side int) int64 {
	w, h := int64(size.X), int64(size.Y)
	across, down := min(w, int64(side)), min(h, int64(side))
	return 2*across*down + 128*(w+h)
}

// tryEach runs use on each way until dcjpeg supports one. It takes memory beside
// that of the way.
func (in *Inspector) tryEach(ctx context.Context, ways []way, memory int64, use func(way) error) error {
	err := undecodable("nothing here decodes its kind")
	for _, w := range ways {
		err = in.within(ctx, w.memory+w.codes+memory, func() error { return use(w) })
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
