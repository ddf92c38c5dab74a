package imaging

import (
	"errors"
	"io"
)

// pngRows decodes a PNG that is not interlaced, a row at a time.
type pngRows struct {
	z         io.Reader
	row, last []byte // with the filter's byte in front
	step      int    // bytes from a pixel to the next, at least 1
	format    pixelFormat
}

// pngByRows lets use read the rows of a PNG. What follows them is not checked.
func (in *Inspector) pngByRows(src *source, use func(rows) error) error {
	r, release := in.buffered(src.all())
	defer release()

	var failed error
	f := &pngFile{in: in, r: r, payload: newPayload(PNG)}
	f.pixels = func(z io.Reader) error {
		w, h := int(f.head.width), int(f.head.height)
		failed = use(rows{w, h, float64(w), float64(h), f.rows(z).next})
		return errEnough
	}
	if err := f.read(); !errors.Is(err, errEnough) {
		return ended(err)
	}
	return failed
}

// rows reads the rows of the inflated data.
func (f *pngFile) rows(z io.Reader) *pngRows {
	bits := f.head.samples() * int64(f.head.depth)
	n := 1 + (f.head.width*bits+7)/8
	return &pngRows{
		z: z, row: make([]byte, n), last: make([]byte, n), step: max(1, int(bits/8)), format: f.pixelFormat(),
	}
}

// pixelFormat says what the samples of a row mean.
func (f *pngFile) pixelFormat() pixelFormat {
	h := f.head
	p := pixelFormat{perPixel: int(h.samples()), depth: h.depth, colours: 1}
	if p.perPixel > 2 {
		p.colours = 3
	}
	if p.perPixel > p.colours {
		p.alpha = p.colours
	}

	for i, v := range f.trans { // 16 bits for each sample
		if h.colour != pngPalette && (h.depth == 16 || i%2 == 1) {
			p.hidden = append(p.hidden, v)
		}
	}

	switch {
	case h.colour == pngPalette:
		p.tabulate(f.colour)
	case p.perPixel == 1 && h.depth <= 8:
		p.greys()
	}
	return p
}

// colour is a colour of the palette, over white. One that is not there is black,
// as in libpng.
func (f *pngFile) colour(i int) (c [3]uint8) {
	if 3*i >= len(f.palette) {
		return c
	}

	alpha := uint8(255)
	if i < len(f.trans) {
		alpha = f.trans[i]
	}

	for k, v := range f.palette[3*i : 3*i+3] {
		c[k] = blend(v, alpha)
	}
	return c
}

// next writes the next row, red, green and blue of each pixel, over white.
func (p *pngRows) next(rgb []uint8) error {
	p.row, p.last = p.last, p.row
	if _, err := io.ReadFull(p.z, p.row); err != nil {
		return inflated(err)
	}
	if p.row[0] > 4 {
		return undecodable("a row with the filter %d", p.row[0])
	}

	unfilter(p.row[0], p.row[1:], p.last[1:], p.step)
	p.format.rgb(p.row[1:], rgb)
	return nil
}

// unfilter undoes the prediction of a row from its left and the row above.
func unfilter(filter byte, row, above []byte, step int) {
	switch filter {
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i, a := range above {
			row[i] += a
		}
	case 3:
		for i, a := range above {
			left := byte(0)
			if i >= step {
				left = row[i-step]
			}
			row[i] += byte((int(left) + int(a)) / 2)
		}
	case 4:
		for i, a := range above {
			left, corner := byte(0), byte(0)
			if i >= step {
				left, corner = row[i-step], above[i-step]
			}
			row[i] += paeth(int(left), int(a), int(corner))
		}
	}
}

// paeth is the one of left, above and corner that is nearest to their prediction.
func paeth(left, above, corner int) byte {
	toLeft, toAbove := above-corner, left-corner
	toCorner := toLeft + toAbove
	toLeft, toAbove, toCorner = max(toLeft, -toLeft), max(toAbove, -toAbove), max(toCorner, -toCorner)
	switch {
	case toLeft <= toAbove && toLeft <= toCorner:
		return byte(left)
	case toAbove <= toCorner:
		return byte(above)
	}
	return byte(corner)
}
