package imaging

import (
	"bufio"
	"compress/lzw"
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
func (in *Inspector) gif(_ context.Context, src *source, _ int) (contents, error) {
	g, release, err := in.openGIF(src)
	defer release()
	if err != nil {
		return contents{}, err
	}

	err = g.blocks()
	if g.frames == 0 || errors.Is(err, ErrTooManyPixels) {
		return contents{}, ended(err)
	}
	if err != nil {
		g.payload = nil
	}
	return contents{width: g.width, height: g.height, frames: g.frames, duration: g.duration, payload: g.payload}, nil
}

// gifPicture composes frame n. In memory are the canvas and some rows.
func (in *Inspector) gifPicture(src *source, n int) (raster, error) {
	g, release, err := in.openGIF(src)
	defer release()
	if err != nil {
		return raster{}, err
	}

	g.canvas, g.last = newCanvas(image.Pt(g.width, g.height)), n
	err = g.blocks()
	if errors.Is(err, errEnough) {
		return whole(g.canvas.RGBA), nil
	}
	if err == nil {
		err = noFrame(n)
	}
	return raster{}, ended(err)
}

// Bits and block types of GIF.
const (
	gifExtension, gifImage     = 0x21, 0x2c
	gifControl, gifApplication = 0xf9, 0xff
	gifHasTable, gifTableBits  = 0x80, 0x07
	gifHeaderLen, gifFrameLen  = 13, 9
	gifTransparent             = 0x01
	gifInterlaced              = 0x40
	gifGoes, gifBack           = 2, 3 // disposal
)

// gifFile is a GIF while it is read.
type gifFile struct {
	in      *Inspector
	r       *bufio.Reader
	payload *payload
	pixels  *lzw.Reader // of the current frame
	rows    []byte      // a buffer for some of them

	width, height int
	colours       []byte        // the global table
	control       gifFrame      // of the next frame, as far as it is known
	delay         time.Duration // of the next frame
	frames        int           // that are whole
	duration      time.Duration // of these

	canvas *canvas // nil where frames are only checked
	last   int     // the frame that completes the canvas
}

// openGIF reads the size of the canvas and its colours. The caller calls release
// in any case.
func (in *Inspector) openGIF(src *source) (_ *gifFile, release func(), err error) {
	r, release := in.buffered(src.all())
	g := &gifFile{in: in, r: r, payload: newPayload(GIF)}
	return g, release, ended(g.header())
}

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

// blocks reads to the trailer. Without one, or with an unknown block instead, the
// file still counts as whole.
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

// extension reads an extension. Loops and colour profiles count as picture data,
// as do the controls of a frame; comments and other metadata do not.
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

// graphics reads the controls of the next frame.
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
