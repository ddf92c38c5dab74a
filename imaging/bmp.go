package imaging

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// bmpHeaders are the lengths of the headers that a BMP may have.
var bmpHeaders = []uint32{bmpCoreHeader, 40, 52, 56, 64, 108, 124}

const (
	bmpFileHeader, bmpCoreHeader     = 14, 12
	bmpPlain, bmpRLE8, bmpRLE4       = 0, 1, 2
	bmpBitfields, bmpAlphaBitfields  = 3, 6
	bmpEndOfLine, bmpEnd, bmpAdvance = 0, 1, 2
)

// bmpHeader is what the header of a BMP says.
type bmpHeader struct {
	width, height int64
	topDown       bool
	planes, bits  uint16
	compression   uint32
	pixels        int64 // where they begin
}

// bmp reads the header of a BMP, and that its pixels lie inside the file. Run
// lengths are followed to their end.
func (in *Inspector) bmp(_ context.Context, src *source, _ int) (picture, error) {
	h, err := readBMPHeader(src)
	if err != nil {
		return picture{}, err
	}
	if err := in.fits(h.width, h.height, 1); err != nil {
		return picture{}, err
	}
	switch h.compression {
	case bmpRLE8, bmpRLE4:
		r, release := in.buffered(src.section(h.pixels, src.size()))
		defer release()
		err = ended(bmpRuns(r, h))
	default:
		if row := (h.width*int64(h.bits) + 31) / 32 * 4; h.pixels+row*h.height > src.size() {
			err = undecodable("the file is truncated")
		}
	}
	return picture{width: int(h.width), height: int(h.height), frames: 1}, err
}

func readBMPHeader(src *source) (bmpHeader, error) {
	b, err := src.bytes(0, bmpFileHeader+bmpCoreHeader)
	if err != nil {
		return bmpHeader{}, err
	}
	size := binary.LittleEndian.Uint32(b[14:])
	if !slices.Contains(bmpHeaders, size) {
		return bmpHeader{}, undecodable("a header of %d bytes", size)
	}
	h := bmpHeader{pixels: int64(binary.LittleEndian.Uint32(b[10:]))}
	if size == bmpCoreHeader {
		h.width, h.height = int64(binary.LittleEndian.Uint16(b[18:])), int64(binary.LittleEndian.Uint16(b[20:]))
		h.planes, h.bits = binary.LittleEndian.Uint16(b[22:]), binary.LittleEndian.Uint16(b[24:])
	} else {
		if b, err = src.bytes(0, bmpFileHeader+40); err != nil {
			return bmpHeader{}, err
		}
		h.width = int64(int32(binary.LittleEndian.Uint32(b[18:])))
		h.height = int64(int32(binary.LittleEndian.Uint32(b[22:])))
		h.planes, h.bits = binary.LittleEndian.Uint16(b[26:]), binary.LittleEndian.Uint16(b[28:])
		h.compression = binary.LittleEndian.Uint32(b[30:])
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
	case bmpRLE8:
		return h.bits == 8 && !h.topDown
	case bmpRLE4:
		return h.bits == 4 && !h.topDown
	case bmpBitfields, bmpAlphaBitfields:
		return h.bits == 16 || h.bits == 32
	}
	return false
}

// bmpRuns follows run lengths until their end mark or the last row.
func bmpRuns(r io.ByteReader, h bmpHeader) error {
	next := func(n int) (b byte, err error) { // the last of n bytes
		for range n {
			if b, err = r.ReadByte(); err != nil {
				return 0, err
			}
		}
		return b, nil
	}
	for x, y := int64(0), int64(0); y < h.height; {
		count, err := next(1)
		value, err2 := next(1)
		if err := errors.Join(err, err2); err != nil {
			if y == h.height-1 && x >= h.width && errors.Is(err, io.EOF) {
				return nil // all pixels are there, but no end mark
			}
			return err
		}
		switch {
		case count > 0:
			x += int64(count)
		case value == bmpEndOfLine:
			x, y = 0, y+1
		case value == bmpEnd:
			return nil
		case value == bmpAdvance:
			_, err := next(1)
			down, err2 := next(1)
			if err := errors.Join(err, err2); err != nil {
				return err
			}
			y += int64(down)
		default: // so many pixels as they are, padded to an even length
			bytes := (int(value)*int(h.bits) + 7) / 8
			if _, err := next(bytes + bytes%2); err != nil {
				return err
			}
			x += int64(value)
		}
	}
	return nil
}
