package imaging

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"inlet/imaging/dcjpeg"
)

// A pixel takes at most so many bytes where there are as many as are taken;
// what tiles add at the edges of a small picture is free.
const tiffPixelBytes, tiffMinRoom = 32, 64 << 20

// tiffBlocks checks where every strip or tile lies, and follows its data if that
// is asked for.
func (in *Inspector) tiffBlocks(f *tiffFile, l *tiffLayout, follow bool) error {
	if l.compression == tiffJPEGOld && !f.has(l.offsets) {
		return f.oldJPEG()
	}
	n := l.across * l.down * l.planes
	if int64(f.entries[l.offsets].count) < n || f.has(l.counts) && int64(f.entries[l.counts].count) < n {
		return undecodable("it lacks some of its %d strips", n)
	}
	buf, release := in.buffered(nil)
	defer release()
	c := &tiffChecker{in: in, l: l, buf: buf}
	if err := c.tables(f); err != nil {
		return err
	}
	offsets, counts := f.list(l.offsets), f.list(l.counts)
	budget := 4*f.src.size() + 16<<20                 // strips may overlap, but not without end
	room := tiffPixelBytes*in.maxPixels + tiffMinRoom // for what they expand to
	for i := range n {
		want := l.blockBytes(i % (l.across * l.down) / l.across)
		at, err := offsets.next()
		if err != nil {
			return err
		}
		size := want
		if f.has(l.counts) {
			if size, err = counts.next(); err != nil {
				return err
			}
		} else if l.compression != tiffPlain {
			return undecodable("the lengths of its strips are missing")
		}
		if room -= want; room < 0 {
			return fmt.Errorf("%w: together they take more than %d bytes", ErrTooManyPixels, tiffPixelBytes*in.maxPixels)
		}
		if budget -= size; budget < 0 {
			return undecodable("its strips overlap")
		}
		if at+size > f.src.size() {
			return undecodable("the file is truncated")
		}
		if !follow {
			continue
		}
		if err := c.check(f.src.section(at, size), want); err != nil {
			return err
		}
	}
	return nil
}

// oldJPEG finds the data that the first kind of JPEG in TIFF points to instead
// of strips.
func (f *tiffFile) oldJPEG() error {
	at, err := f.number(tiffOldJPEG, 0)
	if err != nil {
		return err
	}
	size, err := f.number(tiffOldJPEGLength, 0)
	if err != nil {
		return err
	}
	if at == 0 || size == 0 || at+size > f.src.size() {
		return undecodable("its pixels are not in the file")
	}
	return nil
}

// tiffChecker looks into the strips or tiles of a file, one after the other.
type tiffChecker struct {
	in         *Inspector
	l          *tiffLayout
	buf        *bufio.Reader
	lzw        lzw
	inflate    io.Reader
	jpegTables []byte // without the end marker
}

// tables reads the tables that all JPEG blocks share.
func (c *tiffChecker) tables(f *tiffFile) error {
	if c.l.compression != tiffJPEG || !f.has(tiffJPEGTables) {
		return nil
	}
	p, err := f.bytes(tiffJPEGTables, bufferSize)
	c.jpegTables = bytes.TrimSuffix(p, []byte{0xff, jpegEOI})
	return err
}

// check verifies that r holds at least want bytes. Compressions that are not
// followed are believed.
func (c *tiffChecker) check(r *io.SectionReader, want int64) error {
	if c.l.compression == tiffPlain {
		if r.Size() < want {
			return undecodable("a strip of %d bytes instead of %d", r.Size(), want)
		}
		return nil
	}
	if r.Size() == 0 {
		return undecodable("an empty strip")
	}
	if c.l.reversed {
		return nil
	}
	c.buf.Reset(r)
	var got int64
	var err error
	switch c.l.compression {
	case tiffLZW:
		got, err = c.countLZW(want)
	case tiffDeflate, tiffDeflateOld:
		got, err = c.countDeflate(want)
	case tiffPackBits:
		got, err = countPackBits(c.buf, want)
	case tiffJPEG:
		return c.jpeg(r)
	default:
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return undecodable("%v", err)
	}
	if got < want {
		return undecodable("a strip holds %d bytes instead of %d", got, want)
	}
	return nil
}

// countLZW leaves data in the bit order of TIFF 5 drafts to others.
func (c *tiffChecker) countLZW(want int64) (int64, error) {
	if oldLZW(c.buf) {
		return want, nil
	}
	c.lzw.reset(c.buf, 8, true)
	n := c.lzw.count(want - 1)
	return n.bytes, n.err
}

// oldLZW tells by the clear code at its beginning how a strip is written.
func oldLZW(r *bufio.Reader) bool {
	p, err := r.Peek(2)
	return err == nil && p[0] == 0 && p[1]&1 == 1
}

func (c *tiffChecker) countDeflate(want int64) (int64, error) {
	var err error
	if z, ok := c.inflate.(zlib.Resetter); ok {
		err = z.Reset(c.buf, nil)
	} else {
		c.inflate, err = zlib.NewReader(c.buf)
	}
	if err != nil {
		return 0, err
	}
	return io.CopyN(io.Discard, c.inflate, want)
}

func countPackBits(r *bufio.Reader, want int64) (got int64, err error) {
	for got < want {
		b, err := r.ReadByte()
		if err != nil {
			return got, err
		}
		n := int64(int8(b))
		switch {
		case n >= 0:
			k, err := r.Discard(int(n) + 1)
			got += int64(k)
			if err != nil {
				return got, err
			}
		case n > -128:
			if _, err := r.ReadByte(); err != nil {
				return got, err
			}
			got += 1 - n
		}
	}
	return got, nil
}

// jpeg reads a block that is a JPEG, whose tables may stand elsewhere.
func (c *tiffChecker) jpeg(r io.Reader) error {
	if len(c.jpegTables) > 0 {
		if _, err := c.buf.Discard(2); err != nil { // its SOI, which the tables have
			return ended(err)
		}
		r = io.MultiReader(bytes.NewReader(c.jpegTables), c.buf)
	}
	d := c.in.jpegs.Get().(*dcjpeg.Decoder)
	defer c.in.jpegs.Put(d)
	_, err := d.Decode(r, min(c.in.maxPixels, (c.l.blockWidth+15)*(c.l.blockHeight+15)))
	if err != nil && !errors.Is(err, dcjpeg.ErrUnsupported) {
		return undecodable("%v", err)
	}
	return nil
}
