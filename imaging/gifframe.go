package imaging

import (
	"compress/lzw"
	"errors"
	"image"
	"io"
	"slices"
)

// gifFrame is what stands in front of a frame's pixels.
type gifFrame struct {
	at          image.Rectangle
	interlaced  bool
	colours     []byte // red, green and blue of each
	transparent int    // a colour, -1 without one
	after       disposal
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
	if err := g.data(f); err != nil {
		return err
	}

	g.frames++
	g.duration += shownFor(g.delay)
	g.control, g.delay = gifFrame{transparent: -1}, 0
	if g.canvas != nil && g.frames > g.last {
		return errEnough
	}
	return nil
}

// data reads the compressed pixels of a frame to their end.
func (g *gifFile) data(f gifFrame) error {
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
	if g.pixels == nil {
		g.pixels = lzw.NewReader(blocks, lzw.LSB, int(literals)).(*lzw.Reader)
	} else {
		g.pixels.Reset(blocks, lzw.LSB, int(literals))
	}
	if err := g.draw(f); err != nil {
		return err
	}

	var more [1]byte
	switch n, err := g.pixels.Read(more[:]); {
	case n > 0:
		return undecodable("a frame has more pixels than promised")
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF): // no end code
		return undecodable("%v", err)
	}
	return blocks.skip() // encoders may leave more behind the last code
}

// draw reads exactly the pixels of a frame, some rows at a time. It draws them
// where there is a canvas; transparent pixels leave the canvas as it is.
func (g *gifFile) draw(f gifFrame) error {
	if g.canvas != nil {
		g.canvas.next(f.at, f.after)
	}

	width, height := f.at.Dx(), f.at.Dy()
	if width == 0 || height == 0 {
		return nil
	}

	atOnce := min(height, max(1, bufferSize/width))
	g.rows = slices.Grow(g.rows[:0], atOnce*width)

	colours := max(len(f.colours)/3, f.transparent+1)
	for y := 0; y < height; y += atOnce {
		rows := g.rows[:min(atOnce, height-y)*width]
		if _, err := io.ReadFull(g.pixels, rows); err != nil {
			return inflated(err)
		}
		if int(slices.Max(rows)) >= colours {
			return undecodable("a frame has colours that are not in its table")
		}
		for i := 0; g.canvas != nil && i < len(rows); i += width {
			row := y + i/width
			if f.interlaced {
				row = gifRow(row, height)
			}
			f.draw(g.canvas.Pix[g.canvas.PixOffset(f.at.Min.X, f.at.Min.Y+row):], rows[i:i+width])
		}
	}

	return nil
}

// draw writes a row of colours into pixels.
func (f gifFrame) draw(pixels, row []byte) {
	for x, i := range row {
		if int(i) != f.transparent && 3*int(i) < len(f.colours) {
			copy(pixels[4*x:], f.colours[3*int(i):3*int(i)+3])
			pixels[4*x+3] = 0xff
		}
	}
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
