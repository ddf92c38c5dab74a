// Package isobmff reads the boxes of HEIC and AVIF files (ISO/IEC 14496-12 and
// 23008-12): the size of the picture, its rotation and mirror, the number of its
// frames, and the place of its Exif block. It decodes no pixels.
//
// It promises to read only the boxes that it needs, to bound every size, count and
// depth before it allocates, and to refuse a file whose picture data does not lie
// wholly inside it: such a file was cut short on its way.
package isobmff

import (
	"errors"
	"fmt"
	"io"
)

// ErrMalformed is the cause of every error but those of the reader.
var ErrMalformed = errors.New("malformed file")

// Extent is a run of bytes of the file.
type Extent struct{ Offset, Length int64 }

// Header describes the picture.
type Header struct {
	Brand string // the major brand, "heic"
	// Codec is the type of the coded picture, "hvc1" or "av01"; for a grid, the type
	// of its first tile.
	Codec string
	// Width and Height are the coded size of the primary picture in pixels; for a
	// grid, that of the whole. They ignore a clean aperture.
	Width, Height int
	Rotation      int    // 0, 90, 180 or 270 degrees, counter-clockwise
	Mirror        Mirror // applies after Rotation
	Frames        int    // 1 for a still
	// Range is the range of the samples by colr; RangeUnknown without one, and always
	// for sequences without a still.
	Range Range
	// HEVC is the place of the decoder configuration of the picture or of its first
	// tile; nil if there is none.
	HEVC *Extent
	// Exif is the place of the payload of the Exif item, its 4-byte offset field
	// included; nil if there is none.
	Exif []Extent
}

// Mirror tells which halves of the picture change places.
type Mirror int

// The values of Mirror.
const (
	MirrorNone      Mirror = iota
	MirrorTopBottom        // imir 0
	MirrorLeftRight        // imir 1
)

// Range of samples.
type Range int

// The values of Range.
const (
	RangeUnknown Range = iota
	RangeLimited       // of luma 16 to 235, of chroma 16 to 240
	RangeFull
)

// Displayed is the size after rotation.
func (h Header) Displayed() (width, height int) {
	if h.Rotation == 90 || h.Rotation == 270 {
		return h.Height, h.Width
	}
	return h.Width, h.Height
}

// maxSide bounds a picture's declared width and height.
const maxSide = 1 << 20

// Parse reads the header of a file of the given size in bytes.
func Parse(r io.ReaderAt, size int64) (Header, error) {
	f := &file{r: r, size: size}
	top, overrun, err := f.topLevel()
	if err != nil {
		return Header{}, err
	}
	var h Header
	if h.Brand, err = f.brand(top); err != nil {
		return Header{}, err
	}

	meta, hasMeta := find(top, "meta")
	moov, hasMoov := find(top, "moov")
	if hasMeta {
		hasMeta, err = f.still(meta, &h)
	}
	if err == nil && hasMoov {
		err = f.sequence(moov, &h, !hasMeta)
		if err == nil && overrun && !hasMeta {
			err = malformed("a box runs past the end of the file")
		}
	}

	switch {
	case err != nil:
		return Header{}, err
	case !hasMeta && !hasMoov:
		return Header{}, malformed("no picture in it")
	case h.Width <= 0 || h.Height <= 0 || h.Width > maxSide || h.Height > maxSide:
		return Header{}, malformed("a picture of %d × %d", h.Width, h.Height)
	}

	return h, nil
}

// brand is the major brand of the ftyp box, which must be the first.
func (f *file) brand(top []box) (string, error) {
	if len(top) == 0 || top[0].kind != "ftyp" {
		return "", malformed("it does not begin with ftyp")
	}
	p, err := f.load(top[0])
	if err != nil {
		return "", err
	}
	brand := p.tag()

	return brand, p.err()
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
