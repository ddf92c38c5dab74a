package imaging

import (
	"bufio"
	"compress/zlib"
	"errors"
	"io"

	"golang.org/x/image/ccitt"
	tifflzw "golang.org/x/image/tiff/lzw"
)

// tiffRows decodes a TIFF of strips, a row at a time.
type tiffRows struct {
	f               *tiffFile
	l               *tiffLayout
	offsets, counts *tiffList
	buf             *bufio.Reader

	strip  io.Reader // what is left of the current strip, decompressed
	left   int64     // rows in it
	below  int64     // rows behind it
	row    []byte
	colour tiffColour
}

// byRows says whether the picture is of a kind that tiffRows knows; the others
// are left to x/image.
func (f *tiffFile) byRows(l *tiffLayout) bool {
	switch l.compression {
	case tiffPlain, tiffLZW, tiffDeflate, tiffDeflateOld, tiffPackBits:
		if l.reversed {
			return false
		}
	case tiffGroup3, tiffGroup4:
		if l.bits != 1 {
			return false
		}
	default:
		return false
	}
	if l.offsets != tiffStripOffsets || l.planes != 1 || l.unitX*l.unitY != 1 || !f.has(l.offsets) || !f.has(l.counts) {
		return false
	}
	_, err := f.colour(l)
	return err == nil
}

// tiffByRows begins at the first strip.
func (in *Inspector) tiffByRows(f *tiffFile, l *tiffLayout) (_ rows, done func(), err error) {
	buf, release := in.buffered(nil)
	t := &tiffRows{f: f, l: l, offsets: f.list(l.offsets), counts: f.list(l.counts), buf: buf, below: l.height}
	t.row = make([]byte, (l.width*l.bits+7)/8)
	t.colour, err = f.colour(l)
	return rows{int(l.width), int(l.height), float64(l.width), float64(l.height), t.next}, release, err
}

// next writes the next row, red, green and blue of each pixel, over white.
func (t *tiffRows) next(rgb []uint8) error {
	if t.left == 0 {
		if err := t.nextStrip(); err != nil {
			return err
		}
	}
	t.left--
	if _, err := io.ReadFull(t.strip, t.row); err != nil {
		return inflated(err)
	}
	t.colour.unpredict(t.row)
	t.colour.rgb(t.row, rgb)
	return nil
}

// nextStrip opens the next strip.
func (t *tiffRows) nextStrip() error {
	at, err := t.offsets.next()
	if err != nil {
		return err
	}
	size, err := t.counts.next()
	if err != nil {
		return err
	}
	t.left = min(t.l.blockHeight, t.below)
	t.below -= t.left
	t.buf.Reset(t.f.src.section(at, size))
	t.strip = t.buf
	switch t.l.compression {
	case tiffLZW:
		if oldLZW(t.buf) {
			return errOldLZW
		}
		t.strip = tifflzw.NewReader(t.buf, tifflzw.MSB, 8)
	case tiffDeflate, tiffDeflateOld:
		if t.strip, err = zlib.NewReader(t.buf); err != nil {
			return inflated(err)
		}
	case tiffPackBits:
		t.strip = &packBits{r: t.buf}
	case tiffGroup3, tiffGroup4:
		t.strip = t.fax()
	}
	return nil
}

// fax reads a strip of fax codes.
func (t *tiffRows) fax() io.Reader {
	order, kind := ccitt.MSB, ccitt.Group3
	if t.l.reversed {
		order = ccitt.LSB
	}
	if t.l.compression == tiffGroup4 {
		kind = ccitt.Group4
	}
	invert := t.l.photometric == tiffWhiteIsZero
	return ccitt.NewReader(t.buf, order, kind, int(t.l.width), int(t.left), &ccitt.Options{Invert: invert})
}

// packBits reads runs and literal bytes.
type packBits struct {
	r       *bufio.Reader
	left    int // bytes of the current run
	literal bool
	value   byte
}

func (p *packBits) Read(b []byte) (int, error) {
	for p.left == 0 {
		c, err := p.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch n := int(int8(c)); {
		case n >= 0:
			p.left, p.literal = n+1, true
		case n > -128:
			p.left, p.literal = 1-n, false
			if p.value, err = p.r.ReadByte(); err != nil {
				return 0, err
			}
		}
	}
	b = b[:min(len(b), p.left)]
	if p.literal {
		n, err := p.r.Read(b)
		p.left -= n
		return n, err
	}
	for i := range b {
		b[i] = p.value
	}
	p.left -= len(b)
	return len(b), nil
}

// What is left to others.
var (
	errTIFFColour = errors.New("samples of another kind")
	errOldLZW     = undecodable("LZW as it was in a draft of TIFF 5")
)
