package dcjpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	bufSize = 128 << 10

	// mcuBytes is more than one MCU can take: ten blocks of 64 symbols, each at
	// most 16 bits of code and 16 of value.
	mcuBytes = 10*64*4 + 8
	// slack is what the buffer has behind the bytes read, so that an MCU which
	// runs past the end of its data needs no check inside. What it reads there
	// is arbitrary; that it did is found out at the next call of ensure.
	slack = 2 * mcuBytes
)

// A bitReader hands out the bytes of a file and the bits of its entropy-coded
// segments through one buffer.
//
// Outside of a segment, buf[raw:rawEnd] are the bytes not yet read. Inside, they
// are the bytes not yet unstuffed; buf[pos:end], always in front of them, are
// the segment's bytes with each FF 00 made an FF, done in place.
type bitReader struct {
	r   io.Reader
	buf []byte

	raw, rawEnd int
	eof         bool // r is at its end

	pos, end int
	limit    int    // ensure must be called when pos is beyond this
	done     bool   // buf[:end] is the end of the segment
	acc      uint64 // the next bits, from the top
	n        uint   // how many of acc's bits are accounted for by pos; 0 to 63

	overruns int // runs of zeros that left their block
}

func (b *bitReader) reset(r io.Reader) {
	*b = bitReader{r: r, buf: b.buf}
}

// fill moves buf[keep:rawEnd] to the front and reads more behind it.
func (b *bitReader) fill(keep int) error {
	copy(b.buf, b.buf[keep:b.rawEnd])
	b.raw -= keep
	b.rawEnd -= keep
	for range 100 {
		n, err := b.r.Read(b.buf[b.rawEnd:bufSize])
		b.rawEnd += n
		if errors.Is(err, io.EOF) {
			b.eof = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("read: %w", io.ErrNoProgress)
}

// next returns the next n ≤ 64 KiB bytes of the file; they hold until the next
// call. At the end of the file it returns io.ErrUnexpectedEOF.
func (b *bitReader) next(n int) ([]byte, error) {
	for b.rawEnd-b.raw < n {
		if b.eof {
			return nil, io.ErrUnexpectedEOF
		}
		if err := b.fill(b.raw); err != nil {
			return nil, err
		}
	}
	b.raw += n
	return b.buf[b.raw-n : b.raw], nil
}

// marker finds the next marker, skipping whatever is in front of it, and returns
// its code. It says how many bytes it skipped.
func (b *bitReader) marker() (code byte, skipped int, err error) {
	for {
		i := bytes.IndexByte(b.buf[b.raw:b.rawEnd], 0xff)
		if i < 0 {
			i = b.rawEnd - b.raw
		}
		b.raw += i
		skipped += i
		if b.rawEnd-b.raw < 2 {
			if b.eof {
				return 0, skipped, io.ErrUnexpectedEOF
			}
			if err := b.fill(b.raw); err != nil {
				return 0, skipped, err
			}
			continue
		}
		switch code := b.buf[b.raw+1]; code {
		case 0x00:
			b.raw += 2
			skipped += 2
		case 0xff: // a fill byte
			b.raw++
		default:
			b.raw += 2
			return code, skipped, nil
		}
	}
}

// begin starts an entropy-coded segment at the next byte.
func (b *bitReader) begin() error {
	b.pos, b.end = b.raw, b.raw
	b.acc, b.n = 0, 0
	b.done = false
	b.limit = -1
	return b.ensure()
}

// ensure makes at least an MCU's bytes ready to be decoded, or else all that the
// segment has. If more than that was read already, the data is truncated.
func (b *bitReader) ensure() error {
	// Bits of acc below n may stem from behind the end.
	b.acc &^= ^uint64(0) >> b.n
	for !b.done && b.end-b.pos < mcuBytes {
		if b.raw < b.rawEnd && !b.pendingFF() || b.eof {
			b.unstuff()
			continue
		}
		if err := b.refillSegment(); err != nil {
			return err
		}
	}
	b.limit = b.end - mcuBytes
	if b.done {
		b.limit = b.end
		if b.pos*8-int(b.n) > b.end*8 {
			return corrupt("entropy-coded data is truncated")
		}
	}
	return nil
}

// refillSegment reads more of a segment of which everything read is unstuffed.
func (b *bitReader) refillSegment() error {
	// Close the gap that unstuffing made, or it would fill the buffer in time.
	b.rawEnd = b.end + copy(b.buf[b.end:], b.buf[b.raw:b.rawEnd])
	b.raw = b.end
	moved := b.pos
	if err := b.fill(moved); err != nil {
		return err
	}
	b.pos -= moved
	b.end -= moved
	b.unstuff()
	return nil
}

// pendingFF says that the only byte left is an FF that needs its successor.
func (b *bitReader) pendingFF() bool {
	return b.rawEnd-b.raw == 1 && b.buf[b.raw] == 0xff
}

// unstuff moves the bytes from raw on to end, up to the next marker or to the
// end of what was read.
func (b *bitReader) unstuff() {
	for {
		i := bytes.IndexByte(b.buf[b.raw:b.rawEnd], 0xff)
		n := i
		if i < 0 {
			n = b.rawEnd - b.raw
		}
		if b.end != b.raw {
			copy(b.buf[b.end:], b.buf[b.raw:b.raw+n])
		}
		b.end += n
		b.raw += n
		switch {
		case b.raw == b.rawEnd || b.raw+1 == b.rawEnd:
			b.done = b.eof
			return
		case b.buf[b.raw+1] != 0:
			b.done = true
			return
		}
		b.buf[b.end] = 0xff
		b.end++
		b.raw += 2
	}
}

// finish ends the segment: what it has left is skipped. It is an error if more
// was decoded than there is.
func (b *bitReader) finish() error {
	for !b.done {
		b.pos, b.acc, b.n = b.end, 0, 0
		if err := b.ensure(); err != nil {
			return err
		}
	}
	return b.ensure()
}

// bit reads one bit. ensure must have been called for the MCU.
func (b *bitReader) bit() uint64 {
	if b.n == 0 {
		b.refill()
	}
	v := b.acc >> 63
	b.acc <<= 1
	b.n--
	return v
}

// refill makes at least 56 bits ready.
func (b *bitReader) refill() {
	b.acc |= binary.BigEndian.Uint64(b.buf[b.pos:]) >> (b.n & 63)
	b.pos += int(63-b.n) >> 3
	b.n |= 56
}
