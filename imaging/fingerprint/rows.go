package fingerprint

import "image/color"

// NewRows is New for a picture that is decoded row by row: next writes the red,
// green and blue of its next row, over white. f.Scale and f.Limited do not apply.
// NewRows allocates the planes that it returns and a few rows; its errors are those
// of next.
func NewRows(f Frame, next func(rgb []uint8) error) (*Picture, error) {
	ew, eh := float64(f.Width), float64(f.Height)
	w, h := fit(ew, eh, f.Side)
	luma := newReducer(f.Width, f.Height, ew, eh, w, h)
	chroma := newChromaRows(f.Width, f.Height)

	rgb, ys := make([]uint8, 3*f.Width), make([]uint8, f.Width)
	for range f.Height {
		if err := next(rgb); err != nil {
			return nil, err
		}
		for x := range ys {
			p := rgb[3*x : 3*x+3]
			ys[x] = lumaOfRGB(int32(p[0]), int32(p[1]), int32(p[2]))
		}
		luma.add(ys)
		chroma.add(rgb)
	}

	p := &Picture{Width: f.Width, Height: f.Height, Luma: luma.out, Cb: chroma.cb.out, Cr: chroma.cr.out}
	p.Whole = f.Side >= FullSide || max(f.Width, f.Height) <= f.Side
	p.turn(f.Orientation)

	return p, nil
}

// chromaRows makes the planes of chroma. They are small, so it averages a few pixels
// of a wide picture before it converts them.
type chromaRows struct {
	group  int // pixels to average
	us, vs []uint8
	cb, cr *reducer
}

func newChromaRows(width, height int) *chromaRows {
	c := &chromaRows{group: max(1, min(8, width/(8*chromaSide)))}
	cw, ch := fit(float64(width), float64(height), chromaSide)
	n, extent := ceilDiv(width, c.group), float64(width)/float64(c.group)
	c.us, c.vs = make([]uint8, n), make([]uint8, n)
	c.cb = newReducer(n, height, extent, float64(height), cw, ch)
	c.cr = newReducer(n, height, extent, float64(height), cw, ch)
	return c
}

func (c *chromaRows) add(rgb []uint8) {
	for i := range c.us {
		pixels := rgb[3*i*c.group : min(3*(i+1)*c.group, len(rgb))]
		var r, g, b int
		for x := 0; x+3 <= len(pixels); x += 3 {
			r, g, b = r+int(pixels[x]), g+int(pixels[x+1]), b+int(pixels[x+2])
		}
		n := len(pixels) / 3
		_, c.us[i], c.vs[i] = color.RGBToYCbCr(uint8((r+n/2)/n), uint8((g+n/2)/n), uint8((b+n/2)/n))
	}

	c.cb.add(c.us)
	c.cr.add(c.vs)
}
