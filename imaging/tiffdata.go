package imaging

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"

	"inlet/imaging/dcjpeg"
)

// A pixel takes at most so many bytes where there are as many as are taken;
// what tiles add at the edges of a small picture is free.
const tiffPixelBytes, tiffMinBudget = 32, 64 << 20

// tiffBlocks checks where every strip or tile lies. It follows their data if
// that is asked for.
func (in *Inspector) tiffBlocks(f *tiffFile, l *tiffLayout, follow bool) error {
	if l.compression == tiffJPEGOld && !f.has(l.offsets) {
		return f.oldJPEG()
	}

	n := l.across * l.down * l.planes
	if int64(f.entries[l.offsets].count) < n || f.has(l.counts) && int64(f.entries[l.counts].count) < n {
		return undecodable("it lacks some of its %d strips", n)
	}

	d, release := in.tiffData(f, l)
	defer release()
	compressed := 4*f.src.size() + 16<<20                   // strips may overlap, but not without end
	expanded := tiffPixelBytes*in.maxPixels + tiffMinBudget // all together
	for i := range n {
		down := i % (l.across * l.down) / l.across
		want := l.blockBytes(down)
		at, size, err := d.next(want)
		if err != nil {
			return err
		}

		if expanded -= want; expanded < 0 {
			return fmt.Errorf("%w: together they take more than %d bytes", ErrTooManyPixels, tiffPixelBytes*in.maxPixels)
		}
		if compressed -= size; compressed < 0 {
			return undecodable("its strips overlap")
		}
		if at+size > f.src.size() {
			return undecodable("the file is truncated")
		}
		if follow {
			if err := d.check(f.src.section(at, size), want); err != nil {
				return err
			}
		}
	}

	return nil
}

// oldJPEG checks the data that the first kind of JPEG in TIFF points to instead
// of strips.
func (f *tiffFile) oldJPEG() error {
	at, size := f.number(tiffOldJPEG, 0), f.number(tiffOldJPEGLength, 0)
	if f.err == nil && (at == 0 || size == 0 || at+size > f.src.size()) {
		return undecodable("its pixels are not in the file")
	}
	return f.err
}

// tiffData reads the strips or tiles of a picture, one after the other.
type tiffData struct {
	in              *Inspector
	f               *tiffFile
	l               *tiffLayout
	offsets, counts *tiffList
	buf             *bufio.Reader
	inflate         io.Reader
	jpegTables      []byte // that all JPEG blocks share, without the end marker
}

func (in *Inspector) tiffData(f *tiffFile, l *tiffLayout) (_ *tiffData, release func()) {
	buf, release := in.buffered(nil)
	return &tiffData{in: in, f: f, l: l, offsets: f.list(l.offsets), counts: f.list(l.counts), buf: buf}, release
}

// next is where the next block lies, which takes want bytes where it is not
// compressed.
func (d *tiffData) next(want int64) (at, size int64, err error) {
	if at, err = d.offsets.next(); err != nil {
		return 0, 0, err
	}

	switch {
	case d.f.has(d.l.counts):
		size, err = d.counts.next()
	case d.l.compression == tiffPlain:
		size = want
	default:
		err = undecodable("the lengths of its strips are missing")
	}
	return at, size, err
}

// errNotFollowed says that nothing here decompresses a block.
var errNotFollowed = undecodable("its compression is not known")

// open decompresses a block of so many rows.
func (d *tiffData) open(block *io.SectionReader, rows int64) (_ io.Reader, err error) {
	d.buf.Reset(block)
	switch d.l.compression {
	case tiffPlain:
		return d.buf, nil
	case tiffLZW:
		// In a draft of TIFF 5 the bits of a code were in another order, which the
		// clear code at the beginning tells.
		if p, err := d.buf.Peek(2); err == nil && p[0] == 0 && p[1]&1 == 1 {
			return nil, errNotFollowed
		}
		return lzw.NewReader(d.buf, lzw.MSB, 8), nil
	case tiffDeflate, tiffDeflateOld:
		if z, ok := d.inflate.(zlib.Resetter); ok {
			err = z.Reset(d.buf, nil)
		} else {
			d.inflate, err = zlib.NewReader(d.buf)
		}
		return d.inflate, err
	case tiffPackBits:
		return &packBits{r: d.buf}, nil
	case tiffGroup3, tiffGroup4:
		order, kind := ccitt.MSB, ccitt.Group3
		if d.l.reversed {
			order = ccitt.LSB
		}
		if d.l.compression == tiffGroup4 {
			kind = ccitt.Group4
		}
		invert := d.l.photometric == tiffWhiteIsZero
		return ccitt.NewReader(d.buf, order, kind, int(d.l.width), int(rows), &ccitt.Options{Invert: invert}), nil
	}

	return nil, errNotFollowed
}

// check verifies that a block holds at least want bytes. It believes fax codes
// and compressions that are not followed.
func (d *tiffData) check(block *io.SectionReader, want int64) error {
	switch c := d.l.compression; {
	case c == tiffPlain && block.Size() < want:
		return undecodable("a strip of %d bytes instead of %d", block.Size(), want)
	case block.Size() == 0:
		return undecodable("an empty strip")
	case c == tiffPlain, c == tiffGroup3, c == tiffGroup4, d.l.reversed:
		return nil
	case c == tiffJPEG:
		return d.jpeg(block)
	}

	r, err := d.open(block, 0)
	if errors.Is(err, errNotFollowed) {
		return nil
	}
	if err == nil {
		_, err = io.CopyN(io.Discard, r, want)
	}
	if err != nil {
		return inflated(err)
	}
	return nil
}

// jpeg reads a block that is a JPEG, whose tables may stand elsewhere.
func (d *tiffData) jpeg(block io.Reader) error {
	if d.f.has(tiffJPEGTables) && d.jpegTables == nil {
		tables, err := d.f.bytes(tiffJPEGTables, bufferSize)
		if err != nil {
			return err
		}
		d.jpegTables = bytes.TrimSuffix(tables, []byte{0xff, jpegEOI})
	}
	if len(d.jpegTables) > 0 {
		d.buf.Reset(block)
		if _, err := d.buf.Discard(2); err != nil { // its SOI, which the tables have
			return ended(err)
		}
		block = io.MultiReader(bytes.NewReader(d.jpegTables), d.buf)
	}

	decoder := d.in.jpegs.Get().(*dcjpeg.Decoder)
	defer d.in.jpegs.Put(decoder)
	_, err := decoder.Decode(block, min(d.in.maxPixels, (d.l.blockWidth+15)*(d.l.blockHeight+15)))
	if err != nil && !errors.Is(err, dcjpeg.ErrUnsupported) {
		return undecodable("%v", err)
	}
	return nil
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
