package imaging

import (
	"bufio"
	"context"
	"errors"
	"image"
	"io"
	"time"
)

// gif reads a GIF to its trailer in constant memory: a frame must lie on the
// canvas and hold exactly its pixels, each of a colour that exists. Where the
// file is damaged behind its first frame, it ends with the frame before, as in
// browsers; its payload is then not known. Pixels are counted in any case.
func (in *Inspector) gif(_ context.Context, src *source, _ int) (picture, error) {
	r, release := in.buffered(src.all())
	defer release()
	g := &gifFile{in: in, r: r, payload: newPayload(GIF)}
	if err := g.header(); err != nil {
		return picture{}, ended(err)
	}
	err := g.blocks()
	if g.frames == 0 || errors.Is(err, ErrTooManyPixels) {
		return picture{}, ended(err)
	}
	if err != nil {
		g.payload = nil
	}
	return picture{width: g.width, height: g.height, frames: g.frames, duration: g.duration, payload: g.payload}, nil
}

// Bits and block types of GIF.
const (
	gifExtension, gifImage        = 0x21, 0x2c
	gifControl, gifApplication    = 0xf9, 0xff
	gifHasTable, gifTableBits     = 0x80, 0x07
	gifHeaderLen, gifFrameLen     = 13, 9
	gifTransparent, gifMaxColours = 0x01, 256
	gifInterlaced                 = 0x40
	gifGoes, gifBack              = 2, 3 // disposal
)

// gifFile is a GIF while it is read.
type gifFile struct {
	in      *Inspector
	r       *bufio.Reader
	payload *payload
	lzw     lzw
	painter *gifPainter // nil where frames are not drawn

	width, height int
	colours       []byte        // the global table
	control       gifFrame      // what is known of the next frame
	delay         time.Duration // of the next frame
	frames        int           // that are whole
	duration      time.Duration // of these
}

// header reads the size of the canvas and its colours.
func (g *gifFile) header() error {
	head := make([]byte, gifHeaderLen)
	if _, err := io.ReadFull(g.r, head); err != nil {
		return err
	}
	g.width, g.height = int(head[6])|int(head[7])<<8, int(head[8])|int(head[9])<<8
	if err := g.in.fits(int64(g.width), int64(g.height), 1); err != nil {
		return err
	}
	table, err := g.table(head[10])
	if err != nil {
		return err
	}
	g.payload.part("screen", head[6:12])
	g.payload.part("colours", table)
	g.colours, g.control.transparent = table, -1
	return nil
}

// blocks reads to the trailer. Without one, or with something unknown in its
// place, the file is still taken as whole.
func (g *gifFile) blocks() error {
	for {
		kind, err := g.r.ReadByte()
		switch {
		case err == nil && kind == gifExtension:
			err = g.extension()
		case err == nil && kind == gifImage:
			err = g.frame()
		case g.frames > 0 && (err == nil || errors.Is(err, io.EOF)):
			return nil
		case err == nil:
			err = undecodable("it holds no frame")
		}
		if err != nil {
			return err
		}
	}
}

// table reads the table of colours that the flags announce.
func (g *gifFile) table(flags byte) ([]byte, error) {
	if flags&gifHasTable == 0 {
		return nil, nil
	}
	p := make([]byte, 3<<(1+flags&gifTableBits))
	_, err := io.ReadFull(g.r, p)
	return p, err
}

// extension reads an extension. Loops and colour profiles count as picture
// data, as does what controls a frame; comments and other metadata do not.
func (g *gifFile) extension() error {
	label, err := g.r.ReadByte()
	if err != nil {
		return err
	}
	blocks := &gifBlocks{r: g.r}
	var body [256]byte
	n, err := io.ReadFull(blocks, body[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	head := body[:n]
	switch {
	case label == gifControl && n >= 4:
		g.payload.part("control", head)
		g.graphics(head)
	case label == gifApplication && n >= 11 && (string(head[:11]) == "NETSCAPE2.0" || string(head[:11]) == "ICCRGBG1012"):
		w, done := g.payload.stream("application")
		w.Write(head)
		_, err := io.Copy(w, blocks)
		done()
		if err != nil {
			return err
		}
	}
	return blocks.skip()
}

// graphics reads what controls the next frame.
func (g *gifFile) graphics(head []byte) {
	if head[0]&gifTransparent != 0 {
		g.control.transparent = int(head[3])
	}
	g.control.after = frameStays
	switch head[0] >> 2 & 7 {
	case gifGoes:
		g.control.after = frameGoes
	case gifBack:
		g.control.after = frameBack
	}
	g.delay = time.Duration(int(head[1])|int(head[2])<<8) * 10 * time.Millisecond
}

// frame reads one image.
func (g *gifFile) frame() error {
	if g.frames == maxFrames {
		return tooManyFrames()
	}
	if err := g.in.fits(int64(g.width), int64(g.height), int64(g.frames+1)); err != nil {
		return err
	}
	d := make([]byte, gifFrameLen)
	if _, err := io.ReadFull(g.r, d); err != nil {
		return err
	}
	word := func(i int) int { return int(d[i]) | int(d[i+1])<<8 }
	f := g.control
	f.at = image.Rect(word(0), word(2), word(0)+word(4), word(2)+word(6))
	f.interlaced = d[8]&gifInterlaced != 0
	if f.at.Max.X > g.width || f.at.Max.Y > g.height {
		return undecodable("a frame reaches beyond the picture")
	}
	table, err := g.table(d[8])
	if err != nil {
		return err
	}
	if f.colours = table; len(table) == 0 {
		f.colours = g.colours
	}
	if len(f.colours) == 0 {
		return undecodable("a frame has no colours")
	}
	g.payload.part("frame", d)
	g.payload.part("colours", table)
	if err := g.pixels(f); err != nil {
		return err
	}
	g.frames++
	g.duration += shownFor(g.delay)
	g.control, g.delay = gifFrame{transparent: -1}, 0
	return nil
}

// pixels reads the data of a frame.
func (g *gifFile) pixels(f gifFrame) error {
	literals, err := g.r.ReadByte()
	if err != nil {
		return err
	}
	if literals < 2 || literals > 8 {
		return undecodable("pixels of %d bits", literals)
	}
	g.payload.part("literals", []byte{literals})
	w, done := g.payload.stream("pixels")
	defer done()
	blocks := &gifBlocks{r: g.r, copied: w}
	if g.painter != nil {
		err = g.painter.draw(f, blocks, int(literals))
	} else {
		err = g.count(f, blocks, uint(literals))
	}
	if err != nil {
		return err
	}
	// What encoders leave behind the last code is passed over.
	return blocks.skip()
}

// count verifies that there are exactly the pixels of a frame.
func (g *gifFile) count(f gifFrame, data *gifBlocks, literals uint) error {
	want := int64(f.at.Dx()) * int64(f.at.Dy())
	colours := max(len(f.colours)/3, f.transparent+1)
	g.lzw.reset(data, literals, false)
	c := g.lzw.count(want)
	switch {
	case c.bytes > want:
		return undecodable("a frame has more pixels than there is room for")
	case errors.Is(c.err, errLZW):
		return undecodable("%v", c.err)
	case c.err != nil && !errors.Is(c.err, io.EOF):
		return c.err
	case c.bytes < want:
		return undecodable("a frame has fewer pixels than promised")
	case int(c.top) >= colours && colours < gifMaxColours && want > 0:
		return errGIFColour
	}
	return nil
}
