package imaging

import (
	stdlzw "compress/lzw"
	"errors"
	"image"
	"io"
)

// gifFrame is what stands in front of a frame's pixels.
type gifFrame struct {
	at          image.Rectangle
	interlaced  bool
	colours     []byte // red, green and blue of each
	transparent int    // a colour, -1 without one
	after       disposal
}

// gifPainter draws the frames of a GIF up to the one that is wanted. In memory
// are the canvas and a row.
type gifPainter struct {
	canvas *canvas
	left   int // frames to draw
	pixels *stdlzw.Reader
}

// gifPicture composes frame n.
func (in *Inspector) gifPicture(src *source, n int) (raster, error) {
	r, release := in.buffered(src.all())
	defer release()
	g := &gifFile{in: in, r: r, payload: newPayload(GIF)}
	if err := g.header(); err != nil {
		return raster{}, ended(err)
	}
	g.painter = &gifPainter{canvas: newCanvas(image.Pt(g.width, g.height)), left: n + 1}
	err := g.blocks()
	if errors.Is(err, errEnough) {
		return whole(g.painter.canvas.RGBA), nil
	}
	if err == nil {
		err = noFrame(n)
	}
	return raster{}, ended(err)
}

// draw reads the pixels of a frame, of which literals are given in so many bits.
func (p *gifPainter) draw(f gifFrame, data *gifBlocks, literals int) error {
	p.canvas.next(f.at, f.after)
	if p.pixels == nil {
		p.pixels = stdlzw.NewReader(data, stdlzw.LSB, literals).(*stdlzw.Reader)
	} else {
		p.pixels.Reset(data, stdlzw.LSB, literals)
	}
	line := make([]byte, f.at.Dx())
	for i := range f.at.Dy() {
		if _, err := io.ReadFull(p.pixels, line); err != nil {
			return inflated(err)
		}
		y := i
		if f.interlaced {
			y = gifRow(i, f.at.Dy())
		}
		if err := f.draw(p.canvas.Pix[p.canvas.PixOffset(f.at.Min.X, f.at.Min.Y+y):], line); err != nil {
			return err
		}
	}
	if p.left--; p.left == 0 {
		return errEnough
	}
	return nil
}

// draw writes a row of colours into pixels; what is transparent stays.
func (f gifFrame) draw(pixels, line []byte) error {
	for x, i := range line {
		if int(i) == f.transparent {
			continue
		}
		if 3*int(i) >= len(f.colours) {
			return errGIFColour
		}
		copy(pixels[4*x:], f.colours[3*int(i):3*int(i)+3])
		pixels[4*x+3] = 0xff
	}
	return nil
}

// gifRow is where the i-th row of an interlaced frame belongs.
func gifRow(i, height int) int {
	for _, pass := range [4]struct{ first, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		rows := (height - pass.first + pass.step - 1) / pass.step
		if i < rows {
			return pass.first + i*pass.step
		}
		i -= rows
	}
	return i // not reached
}

// errGIFColour says that a frame names a colour that its table has not.
var errGIFColour = undecodable("a frame has colours that are not in its table")
