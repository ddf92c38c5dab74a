package imaging

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"slices"

	gobmp "github.com/sergeymakinen/go-bmp"
	"golang.org/x/image/bmp"
)

// bmpHeaders are the lengths of the headers that a BMP may have.
var bmpHeaders = []uint32{bmpCoreHeader, bmpInfoHeader, 52, 56, 64, 108, 124}

const (
	bmpFileHeader                    = 14
	bmpCoreHeader, bmpInfoHeader     = 12, 40
	bmpPlain, bmpRLE8, bmpRLE4       = 0, 1, 2
	bmpBitfields, bmpAlphaBitfields  = 3, 6
	bmpEndOfLine, bmpEnd, bmpAdvance = 0, 1, 2
	bmpMaxColours                    = 256
)

// bmpHeader is what the header of a BMP says.
type bmpHeader struct {
	width, height int64
	topDown       bool
	planes, bits  uint16
	compression   uint32
	colours       uint32 // in the table, 0 for as many as a pixel can name
	pixels        int64  // where they begin
}

// bmp reads the header of a BMP and checks that its pixels lie inside the file.
// It follows run lengths to their end.
func (in *Inspector) bmp(_ context.Context, src *source, _ int) (contents, error) {
	h, err := readBMPHeader(src)
	if err != nil {
		return contents{}, err
	}
	if err := in.fits(h.width, h.height, 1); err != nil {
		return contents{}, err
	}

	if h.compression == bmpRLE8 || h.compression == bmpRLE4 {
		r, release := in.buffered(src.section(h.pixels, src.size()))
		defer release()
		err = ended(bmpRuns(r, h))
	} else if row := (h.width*int64(h.bits) + 31) / 32 * 4; h.pixels+row*h.height > src.size() {
		err = undecodable("the file is truncated")
	}

	return contents{width: int(h.width), height: int(h.height), frames: 1}, err
}

func readBMPHeader(src *source) (bmpHeader, error) {
	le := binary.LittleEndian
	b, err := src.bytes(0, bmpFileHeader+bmpCoreHeader)
	if err != nil {
		return bmpHeader{}, err
	}

	size := le.Uint32(b[14:])
	if !slices.Contains(bmpHeaders, size) {
		return bmpHeader{}, undecodable("a header of %d bytes", size)
	}

	h := bmpHeader{pixels: int64(le.Uint32(b[10:]))}
	if size == bmpCoreHeader {
		h.width, h.height = int64(le.Uint16(b[18:])), int64(le.Uint16(b[20:]))
		h.planes, h.bits = le.Uint16(b[22:]), le.Uint16(b[24:])
	} else {
		if b, err = src.bytes(0, bmpFileHeader+bmpInfoHeader); err != nil {
			return bmpHeader{}, err
		}
		h.width, h.height = int64(int32(le.Uint32(b[18:]))), int64(int32(le.Uint32(b[22:])))
		h.planes, h.bits = le.Uint16(b[26:]), le.Uint16(b[28:])
		h.compression, h.colours = le.Uint32(b[30:]), le.Uint32(b[46:])
	}
	if h.height < 0 {
		h.height, h.topDown = -h.height, true
	}
	if h.planes != 1 || !h.known() || h.pixels < bmpFileHeader+int64(size) || h.pixels > src.size() {
		return bmpHeader{}, undecodable("a header that is not understood")
	}
	return h, nil
}

// known says whether the bits of a pixel and the compression go together.
func (h bmpHeader) known() bool {
	switch h.compression {
	case bmpPlain:
		return slices.Contains([]uint16{1, 2, 4, 8, 16, 24, 32}, h.bits)
	case bmpRLE8, bmpRLE4:
		return h.bits == map[uint32]uint16{bmpRLE8: 8, bmpRLE4: 4}[h.compression] && !h.topDown
	case bmpBitfields, bmpAlphaBitfields:
		return h.bits == 16 || h.bits == 32
	}
	return false
}

// bmpRuns follows run lengths until their end mark or the last row.
func bmpRuns(r *bufio.Reader, h bmpHeader) error {
	var b [2]byte
	for x, y := int64(0), int64(0); y < h.height; {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			if y == h.height-1 && x >= h.width && errors.Is(truncated(err), io.ErrUnexpectedEOF) {
				return nil // all pixels are there, but no end mark
			}
			return err
		}

		switch count, value := b[0], b[1]; {
		case count > 0:
			x += int64(count)
		case value == bmpEndOfLine:
			x, y = 0, y+1
		case value == bmpEnd:
			return nil
		case value == bmpAdvance:
			if _, err := io.ReadFull(r, b[:]); err != nil {
				return err
			}
			y += int64(b[1])
		default: // so many pixels as they are, padded to an even length
			n := (int(value)*int(h.bits) + 7) / 8
			if _, err := r.Discard(n + n%2); err != nil {
				return err
			}
			x += int64(value)
		}
	}

	return nil
}

// bmpPicture decodes a BMP. It asks go-bmp for the kinds that x/image does not
// know: 16 bits a pixel, fields of bits, run lengths. go-bmp does not bound the
// table of colours, and shows ordinary pixels of 32 bits as transparent.
func (in *Inspector) bmpPicture(src *source, _ int) (raster, error) {
	h, err := readBMPHeader(src)
	if err != nil {
		return raster{}, err
	}

	r, release := in.buffered(src.all())
	defer release()

	return byLibrary(func() (image.Image, error) {
		m, err := bmp.Decode(r)
		if errors.Is(err, bmp.ErrUnsupported) && h.colours <= bmpMaxColours {
			r.Reset(src.all())
			m, err = gobmp.Decode(r)
		}
		if p, ok := m.(*image.Paletted); ok { // its pixels may name colours that are not there
			for len(p.Palette) < bmpMaxColours {
				p.Palette = append(p.Palette, color.Black)
			}
		}
		return m, err
	})
}
