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
	// slack is what the buffer has behind the data, so that an MCU which runs
	// past the end of it needs no check inside. What it reads there is arbitrary;
	// that it did is found out at the next call of ensure.
	slack = 2 * mcuBytes
)

// A bitReader hands out the bytes of a file and the bits of its entropy-coded
// segments.
type bitReader struct {
	r        io.Reader
	raw      []byte // of which raw[at:have] are the bytes not yet read
	at, have int
	eof      bool // r is at its end

	tap    Tap // nil if nobody listens
	inScan bool
	tapped int // raw[tapped:at] is of the scan, and still to be told

	data     []byte // of which data[pos:end] are a segment's, each FF 00 made an FF
	pos, end int
	limit    int    // ensure must be called when pos is beyond this
	done     bool   // data[:end] is the end of the segment
	acc      uint64 // the next bits, from the top
	n        uint   // how many of acc's bits are accounted for by pos; 0 to 63
}

func newBitReader() bitReader {
	return bitReader{raw: make([]byte, bufSize), data: make([]byte, mcuBytes+bufSize+slack)}
}

func (b *bitReader) reset(r io.Reader, tap Tap) {
	*b = bitReader{r: r, tap: tap, raw: b.raw, data: b.data}
}

// fill moves what was not read to the front and reads more behind it.
func (b *bitReader) fill() error {
	b.tell(b.at)
	b.have = copy(b.raw, b.raw[b.at:b.have])
	b.at, b.tapped = 0, 0
	for range 100 {
		n, err := b.r.Read(b.raw[b.have:])
		b.have += n
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

// tell tells the tap of the scan's bytes up to an index of raw.
func (b *bitReader) tell(to int) {
	if b.tap != nil && b.inScan && to > b.tapped {
		b.tap(0, b.raw[b.tapped:to])
	}
	b.tapped = to
}

// beginScan makes the tap be told of what follows, and endScan ends that in front
// of the marker that was just read.
func (b *bitReader) beginScan() { b.inScan, b.tapped = true, b.at }

func (b *bitReader) endScan() {
	b.tell(b.at - 2)
	b.inScan = false
}

// next returns the next n ≤ 64 KiB bytes of the file; they hold until the next
// call. At the end of the file it returns io.ErrUnexpectedEOF.
func (b *bitReader) next(n int) ([]byte, error) {
	for b.have-b.at < n {
		if b.eof {
			return nil, io.ErrUnexpectedEOF
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
	b.at += n
	return b.raw[b.at-n : b.at], nil
}

// marker finds the next marker, skipping whatever is in front of it, and returns
// its code. It says how many bytes it skipped.
func (b *bitReader) marker() (code byte, skipped int, err error) {
	for {
		i := bytes.IndexByte(b.raw[b.at:b.have], 0xff)
		if i < 0 {
			i = b.have - b.at
		}
		b.at += i
		skipped += i
		if b.have-b.at < 2 {
			if b.eof {
				return 0, skipped, io.ErrUnexpectedEOF
			}
			if err := b.fill(); err != nil {
				return 0, skipped, err
			}
			continue
		}
		switch code := b.raw[b.at+1]; code {
		case 0x00:
			b.at += 2
			skipped += 2
		case 0xff: // a fill byte
			b.at++
		default:
			b.at += 2
			return code, skipped, nil
		}
	}
}

// begin starts an entropy-coded segment at the next byte.
func (b *bitReader) begin() error {
	b.pos, b.end = 0, 0
	b.acc, b.n = 0, 0
	b.done = false
	return b.ensure()
}

// ensure makes at least an MCU's bytes ready to be decoded, or else all that the
// segment has. If more than that was read already, the data is truncated.
func (b *bitReader) ensure() error {
	// Bits of acc below n may stem from behind the end.
	b.acc &^= ^uint64(0) >> b.n
	for !b.done && b.end-b.pos < mcuBytes {
		b.end = copy(b.data, b.data[b.pos:b.end])
		b.pos = 0
		if !b.eof && (b.at == b.have || b.pendingFF()) {
			if err := b.fill(); err != nil {
				return err
			}
		}
		b.unstuff()
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

// pendingFF says that the only byte left is an FF that needs its successor.
func (b *bitReader) pendingFF() bool {
	return b.have-b.at == 1 && b.raw[b.at] == 0xff
}

// unstuff takes the bytes up to the next marker, or to the end of what was read.
func (b *bitReader) unstuff() {
	for {
		n := bytes.IndexByte(b.raw[b.at:b.have], 0xff)
		if n < 0 {
			n = b.have - b.at
		}
		b.end += copy(b.data[b.end:], b.raw[b.at:b.at+n])
		b.at += n
		switch {
		case b.have-b.at < 2:
			b.done = b.eof
			return
		case b.raw[b.at+1] != 0:
			b.done = true
			return
		}
		b.data[b.end] = 0xff
		b.end++
		b.at += 2
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
	b.acc |= binary.BigEndian.Uint64(b.data[b.pos:]) >> (b.n & 63)
	b.pos += int(63-b.n) >> 3
	b.n |= 56
}
