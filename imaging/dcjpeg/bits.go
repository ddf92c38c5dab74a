package dcjpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	bufSize = 128 << 10 // bytes

	// mcuBytes is more than one MCU can take: ten blocks of 64 symbols, each at
	// most 16 bits of code and 16 of value.
	mcuBytes = 10*64*4 + 8
	// slack is the room behind the data, so that an MCU which runs past the end
	// needs no check inside. It reads arbitrary bytes there; the next call of
	// ensure notices that.
	slack = 2 * mcuBytes
)

// A bitReader hands out the bytes of a file and the bits of its entropy-coded
// segments.
type bitReader struct {
	r        io.Reader
	raw      []byte // raw[at:have] are the bytes that were not consumed yet
	at, have int
	eof      bool // r is at its end

	tap    Tap // may be nil
	inScan bool
	tapped int // the tap still has to receive raw[tapped:at], if inScan

	data     []byte // data[pos:end] belong to a segment, each FF 00 made an FF
	pos, end int
	limit    int    // beyond this pos, ensure must be called
	done     bool   // data[:end] is the end of the segment
	acc      uint64 // the next bits, from the top
	n        uint   // how many of acc's bits pos accounts for; 0 to 63
}

// fill moves the bytes that remain to the front and reads more behind them.
func (b *bitReader) fill() error {
	b.flush(b.at)
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

// flush gives the tap the scan's bytes up to an index of raw.
func (b *bitReader) flush(to int) {
	if b.tap != nil && b.inScan && to > b.tapped {
		b.tap(0, b.raw[b.tapped:to])
	}
	b.tapped = to
}

func (b *bitReader) beginScan() { b.inScan, b.tapped = true, b.at }

// endScan ends the scan in front of the marker that was just read.
func (b *bitReader) endScan() {
	b.flush(b.at - 2)
	b.inScan = false
}

// next returns the next n ≤ 64 KiB bytes of the file, valid until the next call.
// At the end of the file it returns io.ErrUnexpectedEOF.
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

// marker finds the next marker and returns its code and how many bytes it skipped.
func (b *bitReader) marker() (code byte, skipped int, err error) {
	for {
		n := b.untilFF()
		b.at += n
		skipped += n

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

// untilFF counts the bytes in raw before the next FF.
func (b *bitReader) untilFF() int {
	if n := bytes.IndexByte(b.raw[b.at:b.have], 0xff); n >= 0 {
		return n
	}
	return b.have - b.at
}

// begin starts an entropy-coded segment at the next byte.
func (b *bitReader) begin() error {
	b.pos, b.end = 0, 0
	b.acc, b.n = 0, 0
	b.done = false
	return b.ensure()
}

// ensure makes an MCU's bytes ready to decode, or all that remain of the segment.
// The data is truncated if the decoder has already read more than that.
func (b *bitReader) ensure() error {
	// Bits of acc below n may stem from behind the end.
	b.acc &^= ^uint64(0) >> b.n

	for !b.done && b.end-b.pos < mcuBytes {
		b.end = copy(b.data, b.data[b.pos:b.end])
		b.pos = 0
		loneFF := b.have-b.at == 1 && b.raw[b.at] == 0xff // needs its successor
		if !b.eof && (b.at == b.have || loneFF) {
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

// unstuff moves to data the bytes up to the next marker, or to the end of raw.
func (b *bitReader) unstuff() {
	for {
		n := b.untilFF()
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

// finish ends the segment and skips its remaining data. It returns an error if the
// decoder has read more than there is.
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
