package dcjpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const maxComponents = 4

// Markers, without their FF (T.81, table B.1).
const (
	sof0  = 0xc0 // baseline
	sof1  = 0xc1 // extended sequential
	sof2  = 0xc2 // progressive
	dht   = 0xc4
	rst0  = 0xd0
	rst7  = 0xd7
	soi   = 0xd8
	eoi   = 0xd9
	sos   = 0xda
	dqt   = 0xdb
	dri   = 0xdd
	app0  = 0xe0
	app14 = 0xee
	app15 = 0xef
	com   = 0xfe
)

type quantTable struct {
	defined bool
	steps   [64]uint16 // in zigzag order
}

// header holds what the segments have declared so far.
type header struct {
	maxPixels int64
	anyKind   bool // accept components that image cannot turn into planes
	foreign   bool // the file has such components

	width, height         int
	baseline, progressive bool
	comp                  [maxComponents]component
	ncomp                 int
	hMax, vMax            int
	mcusX, mcusY          int

	restart     int // MCUs between restart markers; 0 means none
	jfif, adobe bool
	transform   uint8 // Adobe's colour transform
	scans       int
	fineBytes   int // see Image
	missingEOI  bool
}

func (h *header) comps() []component { return h.comp[:h.ncomp] }

type component struct {
	id   uint8
	tq   uint8
	h, v int

	blocksX, blocksY int // blocks that hold any of the picture
	stride, rows     int // blocks of all MCUs
	latched          bool
	quant            [64]uint16 // latched when its first scan begins
	complete         bool       // a sequential scan of it was read
}

// segments reads the file from SOI to EOI.
func (d *Decoder) segments() error {
	start, err := d.bits.next(2)
	if err != nil {
		return err
	}
	if start[0] != 0xff || start[1] != soi {
		return corrupt("does not begin with SOI")
	}

	for {
		// Like libjpeg and image/jpeg, this skips junk in front of a marker.
		code, _, err := d.bits.marker()
		if errors.Is(err, io.ErrUnexpectedEOF) && d.header.whole() {
			d.header.missingEOI = true
			d.bits.flush(d.bits.have)
			return nil
		}
		if err != nil {
			return err
		}
		if code >= rst0 && code <= rst7 {
			continue // some encoders write one after the last MCU
		}

		d.bits.endScan()
		if code == eoi {
			break
		}
		if err := d.segment(code); err != nil {
			return err
		}
	}

	if d.header.scans == 0 {
		return corrupt("no scan")
	}

	return nil
}

// whole reports that the file can lack nothing but its EOI.
func (h *header) whole() bool {
	for _, c := range h.comps() {
		if !c.complete {
			return false
		}
	}
	return h.ncomp > 0
}

// segment reads one marker segment, and the scan behind an SOS.
func (d *Decoder) segment(code byte) error {
	length, err := d.bits.next(2)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(length))
	if n < 2 {
		return corrupt("segment %#x is too short", code)
	}

	p, err := d.bits.next(n - 2)
	if err != nil {
		return err
	}
	if d.bits.tap != nil {
		d.bits.tap(code, p)
	}

	switch code {
	case sof0, sof1, sof2:
		return d.header.frame(code, p)
	case dht:
		return d.huffmanTables(p)
	case dqt:
		return d.quantTables(p)
	case dri:
		if len(p) != 2 {
			return corrupt("restart interval of %d bytes", len(p))
		}
		d.header.restart = int(binary.BigEndian.Uint16(p))
	case sos:
		d.bits.beginScan()
		return d.scan(p)
	case app0:
		d.header.jfif = d.header.jfif || len(p) >= 5 && string(p[:5]) == "JFIF\x00"
	case app14:
		if len(p) >= 12 && string(p[:5]) == "Adobe" {
			d.header.adobe, d.header.transform = true, p[11]
		}
	default:
		return d.header.other(code, p)
	}

	return nil
}

// other judges the segments that carry nothing for the decoder.
func (h *header) other(code byte, p []byte) error {
	switch {
	case code > app0 && code <= app15, code == com:
		return nil
	case code < sof0, code == soi:
		return corrupt("marker %#x", code)
	case code > sof2 && code < rst0 && len(p) >= 6: // other SOFs
		if err := h.size(p); err != nil {
			return err
		}
	}

	return unsupported("marker %#x", code)
}

func (h *header) size(p []byte) error {
	h.height = int(binary.BigEndian.Uint16(p[1:]))
	h.width = int(binary.BigEndian.Uint16(p[3:]))
	if int64(h.width)*int64(h.height) > h.maxPixels {
		return fmt.Errorf("%w: %d×%d, at most %d allowed", ErrTooLarge, h.width, h.height, h.maxPixels)
	}
	return nil
}

// frame reads SOF.
func (h *header) frame(code byte, p []byte) error {
	if h.ncomp != 0 {
		return corrupt("more than one frame")
	}
	if len(p) < 6 || len(p) != 6+3*int(p[5]) {
		return corrupt("frame header of %d bytes", len(p))
	}
	if err := h.size(p); err != nil {
		return err
	}
	if p[0] != 8 {
		return unsupported("%d bits a sample", p[0])
	}
	if h.width == 0 || h.height == 0 {
		return corrupt("%d×%d pixels", h.width, h.height)
	}

	switch p[5] {
	case 1, 3:
	case 4:
		if err := h.oddity("4 components"); err != nil {
			return err
		}
	default:
		return unsupported("%d components", p[5])
	}

	h.baseline, h.progressive = code == sof0, code == sof2
	h.ncomp = int(p[5])
	for i := range h.comps() {
		if err := h.component(i, p[6+3*i:]); err != nil {
			return err
		}
	}

	return h.layout()
}

// oddity notes that image cannot turn the components into planes. It is an error
// unless the caller accepts any kind.
func (h *header) oddity(format string, args ...any) error {
	h.foreign = true
	if h.anyKind {
		return nil
	}
	return unsupported(format, args...)
}

// component reads a component's entry in SOF.
func (h *header) component(i int, p []byte) error {
	c := component{id: p[0], h: int(p[1] >> 4), v: int(p[1] & 15), tq: p[2]}
	for _, other := range h.comp[:i] {
		if other.id == c.id {
			return corrupt("component %d twice", c.id)
		}
	}
	if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
		return corrupt("sampling factors %d×%d", c.h, c.v)
	}
	if c.tq > 3 {
		return corrupt("quantisation table %d", c.tq)
	}

	if h.ncomp == 1 {
		c.h, c.v = 1, 1 // the factors of a sole component mean nothing
	}
	h.comp[i] = c

	return nil
}

// layout computes the grid of blocks. Unless the caller accepts any kind, the
// sampling must be one that image/jpeg accepts: luma at full size, both chroma
// components equal at a half, a quarter or all of it.
func (h *header) layout() error {
	y, cb, cr := h.comp[0], h.comp[1], h.comp[2]
	odd := h.ncomp == 3 && (y.h == 3 || y.v >= 3 || y.h%cb.h != 0 || y.v%cb.v != 0 || cb.h != cr.h || cb.v != cr.v)
	if odd {
		if err := h.oddity("sampling %d×%d, %d×%d, %d×%d", y.h, y.v, cb.h, cb.v, cr.h, cr.v); err != nil {
			return err
		}
	}

	for _, c := range h.comps() {
		h.hMax, h.vMax = max(h.hMax, c.h), max(h.vMax, c.v)
	}
	h.mcusX = ceilDiv(h.width, 8*h.hMax)
	h.mcusY = ceilDiv(h.height, 8*h.vMax)

	for i := range h.comps() {
		c := &h.comp[i]
		c.blocksX = ceilDiv(h.width*c.h, 8*h.hMax)
		c.blocksY = ceilDiv(h.height*c.v, 8*h.vMax)
		c.stride, c.rows = h.mcusX*c.h, h.mcusY*c.v
	}

	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// isRGB tells by libjpeg's rules whether three components are red, green, blue.
func (h *header) isRGB() bool {
	if h.ncomp != 3 || h.jfif {
		return false
	}
	return h.adobe && h.transform == 0 || h.comp[0].id == 'R' && h.comp[1].id == 'G' && h.comp[2].id == 'B'
}

// quantTables reads DQT.
func (d *Decoder) quantTables(p []byte) error {
	for len(p) > 0 {
		id, size := p[0]&15, 64<<(p[0]>>4)
		if id > 3 || p[0]>>4 > 1 || len(p) < 1+size {
			return corrupt("quantisation table")
		}

		d.quant[id].defined = true
		for i := range d.quant[id].steps {
			if size > 64 {
				d.quant[id].steps[i] = binary.BigEndian.Uint16(p[1+2*i:])
			} else {
				d.quant[id].steps[i] = uint16(p[1+i])
			}
		}
		p = p[1+size:]
	}

	return nil
}

// huffmanTables reads DHT. A scan builds the tables when it uses them.
func (d *Decoder) huffmanTables(p []byte) error {
	for len(p) > 0 {
		if len(p) < 17 || p[0]>>4 > 1 || p[0]&15 > 3 || d.header.baseline && p[0]&15 > 1 {
			return corrupt("Huffman table")
		}
		spec := &d.dcSpec[p[0]&15]
		if p[0]>>4 == 1 {
			spec = &d.acSpec[p[0]&15]
		}

		*spec = huffSpec{defined: true, counts: [16]uint8(p[1:])}
		n := 0
		for _, count := range spec.counts {
			n += int(count)
		}
		if n == 0 || n > len(spec.symbols) || len(p) < 17+n {
			return corrupt("Huffman table of %d codes", n)
		}
		copy(spec.symbols[:], p[17:17+n])
		p = p[17+n:]
	}

	return nil
}
