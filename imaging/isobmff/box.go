package isobmff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds of what is walked and loaded. Real files stay far below.
const (
	maxBoxes = 16384   // boxes of one file, at all depths
	maxLoad  = 2 << 20 // bytes of one file's boxes that are loaded
)

// box is one box: its type and where its content lies in the file.
type box struct {
	kind     string
	off, end int64
}

// file reads boxes from r.
type file struct {
	r      io.ReaderAt
	size   int64
	boxes  int   // how many were read
	loaded int64 // bytes of their content
}

// read returns the n bytes at off.
func (f *file) read(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > f.size-n {
		return nil, malformed("it ends too early")
	}
	b := make([]byte, n)
	got, err := f.r.ReadAt(b, off)
	switch {
	case int64(got) == n:
		return b, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, malformed("it ends too early")
	}
	return nil, fmt.Errorf("isobmff: read: %w", err)
}

// load returns a box's content.
func (f *file) load(b box) ([]byte, error) {
	if f.loaded += b.end - b.off; f.loaded > maxLoad {
		return nil, malformed("the boxes are too large")
	}
	return f.read(b.off, b.end-b.off)
}

// next reads the header of the box at off, inside a box that ends at end. The
// returned box may run past end: the caller decides whether that is allowed.
func (f *file) next(off, end int64) (box, error) {
	if f.boxes++; f.boxes > maxBoxes {
		return box{}, malformed("too many boxes")
	}
	head, err := f.read(off, min(16, end-off))
	if err != nil {
		return box{}, err
	}
	return header(head, off, end)
}

// header parses the header of the box at off, which begins with b.
func header(b []byte, off, end int64) (box, error) {
	p := parser{b: b}
	size, head := int64(p.u32()), int64(8)
	kind := p.tag()
	switch size {
	case 0: // to the end of what surrounds it
		size = end - off
	case 1:
		size, head = int64(p.u64()), 16
	}
	if err := p.err(); err != nil {
		return box{}, err
	}
	if size < head || size > 1<<62-off {
		return box{}, malformed("a box %q of %d bytes", kind, size)
	}
	return box{kind, off + head, off + size}, nil
}

// topLevel lists the file's boxes. The last may run past the end of the file,
// unless it is one that is needed: its picture may be whole all the same.
func (f *file) topLevel() (boxes []box, overrun bool, err error) {
	for off := int64(0); f.size-off >= 8; {
		b, err := f.next(off, f.size)
		if err != nil && (len(boxes) == 0 || !errors.Is(err, ErrMalformed)) {
			return nil, false, err
		}
		if err != nil {
			return boxes, true, nil //nolint:nilerr // whatever follows the last good box
		}
		if b.end > f.size {
			if b.kind == "ftyp" || b.kind == "meta" || b.kind == "moov" {
				return nil, false, malformed("%q is cut short", b.kind)
			}
			return append(boxes, b), true, nil
		}
		boxes = append(boxes, b)
		off = b.end
	}
	return boxes, false, nil
}

// children lists the boxes inside parent, skip bytes into it. All have to lie
// wholly inside it.
func (f *file) children(parent box, skip int64) ([]box, error) {
	var boxes []box
	for off := parent.off + skip; parent.end-off >= 8; {
		b, err := f.next(off, parent.end)
		if err != nil {
			return nil, err
		}
		if b.end > parent.end {
			return nil, malformed("%q is larger than the %q around it", b.kind, parent.kind)
		}
		boxes = append(boxes, b)
		off = b.end
	}
	return boxes, nil
}

// find returns the first box of a kind.
func find(boxes []box, kind string) (box, bool) {
	for _, b := range boxes {
		if b.kind == kind {
			return b, true
		}
	}
	return box{}, false
}

// parser takes numbers from the front of b. Once b is used up it yields zeros
// and err reports it, so that callers check once, after the last field.
type parser struct {
	b     []byte
	short bool
}

func (p *parser) take(n int) []byte {
	if n > len(p.b) {
		p.short, p.b = true, nil
		return make([]byte, n)
	}
	v := p.b[:n]
	p.b = p.b[n:]
	return v
}

func (p *parser) u8() uint8   { return p.take(1)[0] }
func (p *parser) u16() uint16 { return binary.BigEndian.Uint16(p.take(2)) }
func (p *parser) u32() uint32 { return binary.BigEndian.Uint32(p.take(4)) }
func (p *parser) u64() uint64 { return binary.BigEndian.Uint64(p.take(8)) }
func (p *parser) tag() string { return string(p.take(4)) }

// uint takes a number of 0, 4 or 8 bytes, or of 2 as in item numbers.
func (p *parser) uint(bytes int) uint64 {
	switch bytes {
	case 2:
		return uint64(p.u16())
	case 4:
		return uint64(p.u32())
	case 8:
		return p.u64()
	}
	return 0
}

// full takes the version and flags of a full box.
func (p *parser) full() (version uint8, flags uint32) {
	v := p.u32()
	return uint8(v >> 24), v & 0xffffff
}

func (p *parser) err() error {
	if p.short {
		return malformed("a box is too short for its content")
	}
	return nil
}
