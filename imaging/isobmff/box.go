package isobmff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds of what the package walks and loads. Real files stay far below.
const (
	maxBoxes = 16384   // boxes of one file, at all depths
	maxLoad  = 2 << 20 // bytes of one file's boxes that are loaded
)

// box is the type of a box and the place of its content in the file.
type box struct {
	kind     string
	off, end int64
}

type file struct {
	r      io.ReaderAt
	size   int64
	boxes  int   // boxes read so far
	loaded int64 // bytes of content loaded so far
}

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

// load returns a parser of a box's content.
func (f *file) load(b box) (*parser, error) {
	if f.loaded += b.end - b.off; f.loaded > maxLoad {
		return nil, malformed("the boxes are too large")
	}
	return f.begin(b, b.end-b.off)
}

// begin returns a parser of the first n bytes of a box's content, or of all of it if
// it is shorter. They do not count as loaded.
func (f *file) begin(b box, n int64) (*parser, error) {
	content, err := f.read(b.off, min(n, b.end-b.off))
	return &parser{b: content}, err
}

// next reads the header of the box at off, inside a box that ends at end. The box may
// run past end: the caller decides whether that is allowed.
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

// header parses the header b of the box at off (ISO/IEC 14496-12, 4.2).
func header(b []byte, off, end int64) (box, error) {
	p := parser{b: b}
	size, head := int64(p.u32()), int64(8)
	kind := p.tag()
	switch size {
	case 0: // to the end of the box around it
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

// topLevel lists the file's boxes. The last box may run past the end of the file,
// unless the package needs it: the picture may be whole nevertheless.
func (f *file) topLevel() (boxes []box, overrun bool, err error) {
	for off := int64(0); f.size-off >= 8; {
		b, err := f.next(off, f.size)
		if err != nil && (len(boxes) == 0 || !errors.Is(err, ErrMalformed)) {
			return nil, false, err
		}
		if err != nil {
			return boxes, true, nil //nolint:nilerr // the picture lies before the broken box
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

// children lists the boxes inside parent, skip bytes into it. Each must lie wholly
// inside it.
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

// handler is the handler type of a meta or mdia box with these children.
func (f *file) handler(parent string, boxes []box) (string, error) {
	hdlr, ok := find(boxes, "hdlr")
	if !ok {
		return "", malformed("%s without hdlr", parent)
	}
	p, err := f.load(hdlr)
	if err != nil {
		return "", err
	}
	p.u64() // version, flags, pre-defined
	kind := p.tag()

	return kind, p.err()
}

func find(boxes []box, kind string) (box, bool) {
	for _, b := range boxes {
		if b.kind == kind {
			return b, true
		}
	}
	return box{}, false
}

// parser takes numbers from the front of b. After the end of b it returns zeros and
// err reports that, so callers check once, after the last field.
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

// uint takes a number of 0, 4 or 8 bytes.
func (p *parser) uint(size int) uint64 {
	switch size {
	case 4:
		return uint64(p.u32())
	case 8:
		return p.u64()
	}
	return 0
}

// id takes an item's number of 16 or 32 bits.
func (p *parser) id(wide bool) uint32 {
	if wide {
		return p.u32()
	}
	return uint32(p.u16())
}

// full takes the version and flags of a full box.
func (p *parser) full() (version uint8, flags uint32) {
	v := p.u32()
	return uint8(v >> 24), v & 0xffffff
}

// box takes a box that lies inside one of the given kind.
func (p *parser) box(parent string) (kind string, content parser, err error) {
	b, err := header(p.b, 0, int64(len(p.b)))
	if err != nil {
		return "", parser{}, err
	}
	if b.end > int64(len(p.b)) {
		return "", parser{}, malformed("%q is larger than the %q around it", b.kind, parent)
	}
	content.b, p.b = p.b[b.off:b.end], p.b[b.end:]

	return b.kind, content, nil
}

func (p *parser) err() error {
	if p.short {
		return malformed("a box is too short for its content")
	}
	return nil
}
