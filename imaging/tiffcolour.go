package imaging

import "encoding/binary"

// tiffColour is what the samples of a row mean.
type tiffColour struct {
	order       binary.ByteOrder
	photometric int64
	samples     int // of a pixel
	depth       int // of a sample: 1, 2, 4, 8 or 16 bits
	predicted   bool
	alpha       int     // the sample that is opacity, -1 without one
	associated  bool    // colours were multiplied with it
	palette     []int64 // all reds, greens, blues, of 16 bits
}

// colour reads what the samples mean.
func (f *tiffFile) colour(l *tiffLayout) (tiffColour, error) {
	c := tiffColour{order: f.order, photometric: l.photometric, samples: int(l.samples), depth: int(l.depth), alpha: -1}
	format, err := f.number(tiffSampleFormat, 1)
	if err != nil {
		return c, err
	}
	predictor, err := f.number(tiffPredictor, 1)
	if err != nil {
		return c, err
	}
	extra, err := f.number(tiffExtraSamples, 0)
	if err != nil {
		return c, err
	}
	colours := map[int64]int{tiffWhiteIsZero: 1, tiffGrey: 1, tiffPalette: 1, tiffRGB: 3, tiffCMYK: 4}[l.photometric]
	whole := c.depth == 8 || c.depth == 16
	small := (c.depth == 1 || c.depth == 2 || c.depth == 4) && c.samples == 1
	c.predicted = predictor == 2
	switch {
	case format != 1, predictor > 2, predictor == 2 && !whole, colours == 0, c.samples < colours, !whole && !small,
		l.photometric == tiffPalette && c.depth > 8:
		return c, errTIFFColour
	}
	if c.samples > colours && (extra == 1 || extra == 2) {
		c.alpha, c.associated = colours, extra == 1
	}
	if l.photometric == tiffPalette {
		c.palette, err = f.numbers(tiffColourMap, 3*256)
	}
	return c, err
}

// unpredict undoes the prediction of each sample from the pixel on the left.
func (c *tiffColour) unpredict(row []byte) {
	switch {
	case !c.predicted:
	case c.depth == 8:
		for i := c.samples; i < len(row); i++ {
			row[i] += row[i-c.samples]
		}
	default:
		for i := 2 * c.samples; i+2 <= len(row); i += 2 {
			c.order.PutUint16(row[i:], c.order.Uint16(row[i:])+c.order.Uint16(row[i-2*c.samples:]))
		}
	}
}

// rgb turns a row into red, green and blue, over white.
func (c *tiffColour) rgb(row []byte, rgb []uint8) {
	if c.photometric == tiffRGB && c.samples == 3 && c.depth == 8 {
		copy(rgb, row)
		return
	}
	for x := range len(rgb) / 3 {
		p := rgb[3*x : 3*x+3]
		switch c.photometric {
		case tiffPalette:
			c.paint(p, c.index(row, x))
			continue
		case tiffRGB:
			for i := range p {
				p[i] = c.sample(row, x, i)
			}
		case tiffCMYK:
			light := 255 - uint32(c.sample(row, x, 3))
			for i := range p {
				p[i] = uint8((255 - uint32(c.sample(row, x, i))) * light / 255)
			}
		default:
			v := c.grey(row, x)
			p[0], p[1], p[2] = v, v, v
		}
		if c.alpha >= 0 {
			c.overWhite(p, c.sample(row, x, c.alpha))
		}
	}
}

func (c *tiffColour) overWhite(p []uint8, alpha uint8) {
	for i, v := range p {
		if c.associated {
			p[i] = uint8(min(255, int(v)+255-int(alpha)))
		} else {
			p[i] = blend(v, alpha)
		}
	}
}

// sample is a sample of 8 bits, or the upper 8 of 16.
func (c *tiffColour) sample(row []byte, x, i int) uint8 {
	at := x*c.samples + i
	if c.depth == 16 {
		return uint8(c.order.Uint16(row[2*at:]) >> 8)
	}
	return row[at]
}

// index is a sample of up to 8 bits.
func (c *tiffColour) index(row []byte, x int) uint8 {
	at := x * c.samples * c.depth
	return row[at/8] >> (8 - c.depth - at%8) & (1<<c.depth - 1)
}

func (c *tiffColour) grey(row []byte, x int) uint8 {
	var v uint8
	if c.depth >= 8 {
		v = c.sample(row, x, 0)
	} else {
		v = c.index(row, x) * uint8(255/(1<<c.depth-1))
	}
	if c.photometric == tiffWhiteIsZero {
		return 255 - v
	}
	return v
}

// paint looks a colour up. One that is not there is black.
func (c *tiffColour) paint(p []uint8, i uint8) {
	n := len(c.palette) / 3
	for k := range p {
		p[k] = 0
		if int(i) < n {
			p[k] = uint8(c.palette[k*n+int(i)] >> 8)
		}
	}
}
