package imaging

import (
	"errors"
	"io"
)

// lzw follows LZW-coded data without writing what it stands for: of each code
// only the length, the first byte and the highest byte are kept. So the work is
// one step for a code, however much it expands to.
type lzw struct {
	in    io.ByteReader
	tiff  bool // codes from the top of a byte, widened one code early
	bits  uint64
	nBits uint

	width               uint
	literals            uint
	clear, end, hi, gap uint16 // gap is where the width grows
	last                uint16 // lzwNone after a clear code, and once the table is full

	length [lzwCodes]int32
	first  [lzwCodes]byte
	top    [lzwCodes]byte
}

const (
	lzwMaxWidth = 12
	lzwCodes    = 1 << lzwMaxWidth
	lzwNone     = 0xffff
)

// lzwCount is what came out of LZW-coded data.
type lzwCount struct {
	bytes int64
	top   byte  // the highest of them
	ended bool  // by an end code
	err   error // of the reader, io.EOF included
}

var errLZW = errors.New("the compressed data holds a code that means nothing")

// reset begins new data. Literal codes are 2 to 8 bits wide.
func (z *lzw) reset(in io.ByteReader, literals uint, tiff bool) {
	z.in, z.tiff, z.literals = in, tiff, literals
	z.bits, z.nBits = 0, 0
	z.clear = 1 << literals
	z.end = z.clear + 1
	for c := range z.clear {
		z.length[c], z.first[c], z.top[c] = 1, byte(c), byte(c)
	}
	z.restart()
}

// restart does what the clear code asks for.
func (z *lzw) restart() {
	z.width = z.literals + 1
	z.hi, z.gap, z.last = z.end, 1<<z.width, lzwNone
}

// count follows the data until more than most bytes came out, the end code, or
// the end of the reader.
func (z *lzw) count(most int64) lzwCount {
	var c lzwCount
	for c.bytes <= most {
		code, err := z.next()
		if err != nil {
			c.err = err
			return c
		}
		switch {
		case code == z.clear:
			z.restart()
			continue
		case code == z.end:
			c.ended = true
			return c
		case code > z.hi:
			c.err = errLZW
			return c
		}
		z.learn(code)
		c.bytes += int64(z.length[code])
		c.top = max(c.top, z.top[code])
	}
	return c
}

// learn enters what the code says about the next entry of the table, which may
// be the code itself.
func (z *lzw) learn(code uint16) {
	if z.last != lzwNone {
		first := z.first[code]
		if code == z.hi {
			first = z.first[z.last]
		}
		z.length[z.hi] = z.length[z.last] + 1
		z.first[z.hi] = z.first[z.last]
		z.top[z.hi] = max(z.top[z.last], first)
	}
	z.last = code
	z.hi++
	early := uint16(0)
	if z.tiff {
		early = 1
	}
	if z.hi+early < z.gap {
		return
	}
	if z.width == lzwMaxWidth {
		z.last = lzwNone
		z.hi--
		return
	}
	z.width++
	z.gap <<= 1
}

// next reads a code.
func (z *lzw) next() (uint16, error) {
	for z.nBits < z.width {
		b, err := z.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if z.tiff {
			z.bits = z.bits<<8 | uint64(b)
		} else {
			z.bits |= uint64(b) << z.nBits
		}
		z.nBits += 8
	}
	z.nBits -= z.width
	if z.tiff {
		return uint16(z.bits >> z.nBits & (1<<z.width - 1)), nil
	}
	code := uint16(z.bits & (1<<z.width - 1))
	z.bits >>= z.width
	return code, nil
}
