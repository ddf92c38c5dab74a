package imaging

import "encoding/binary"

// pixelFormat says how the samples of a row become red, green and blue.
type pixelFormat struct {
	perPixel   int
	depth      int // bits of a sample: 8 or 16; 1, 2 or 4 with one sample a pixel
	order      binary.ByteOrder
	colours    int    // samples that are colours: 1 for grey, 3, or 4 for cyan, magenta, yellow and black
	inverted   bool   // 0 is white, of grey
	alpha      int    // the sample that is opacity, 0 without one
	associated bool   // the colours were multiplied with alpha
	hidden     []byte // the one pixel that is transparent, as in the row

	// table has the colours of all values of a sample, where that is all there is
	// to a pixel's colour.
	table [][3]uint8
}

// tabulate makes the table for samples of up to 8 bits.
func (f *pixelFormat) tabulate(colour func(v int) [3]uint8) {
	f.table = make([][3]uint8, 1<<f.depth)
	for v := range f.table {
		f.table[v] = colour(v)
	}
}

// greys makes the table for grey samples.
func (f *pixelFormat) greys() {
	f.tabulate(func(v int) [3]uint8 {
		grey := uint8(v * 255 / (1<<f.depth - 1))
		if f.inverted {
			grey = 255 - grey
		}
		if len(f.hidden) > 0 && v == int(f.hidden[0]) {
			grey = 255
		}
		return [3]uint8{grey, grey, grey}
	})
}

// rgb turns a row into red, green and blue, over white.
func (f *pixelFormat) rgb(row []byte, rgb []uint8) {
	switch {
	case f.table != nil:
		step, most := f.perPixel*f.depth, byte(1<<f.depth-1)
		for x, at := 0, 0; x < len(rgb); x, at = x+3, at+step {
			copy(rgb[x:x+3], f.table[row[at/8]>>(8-f.depth-at%8)&most][:])
		}
	case f.perPixel == 3 && f.depth == 8 && f.hidden == nil:
		copy(rgb, row)
	default:
		f.pixels(row, rgb)
	}
}

// pixels converts samples of 8 bits, or the upper 8 of 16.
func (f *pixelFormat) pixels(row []byte, rgb []uint8) {
	size, upper := f.depth/8, 0
	if size == 2 && f.order == binary.LittleEndian {
		upper = 1
	}

	for x, at := 0, 0; x < len(rgb); x, at = x+3, at+f.perPixel*size {
		pixel, p := row[at:at+f.perPixel*size], rgb[x:x+3]
		first := pixel[upper]
		switch {
		case f.colours == 1 && f.inverted:
			p[0], p[1], p[2] = 255-first, 255-first, 255-first
		case f.colours == 1:
			p[0], p[1], p[2] = first, first, first
		default:
			p[0], p[1], p[2] = first, pixel[size+upper], pixel[2*size+upper]
		}
		if f.colours == 4 {
			light := 255 - uint32(pixel[3*size+upper])
			for i, v := range p {
				p[i] = uint8((255 - uint32(v)) * light / 255)
			}
		}

		switch {
		case f.alpha > 0:
			f.overWhite(p, pixel[f.alpha*size+upper])
		case f.hidden != nil && string(pixel) == string(f.hidden):
			p[0], p[1], p[2] = 255, 255, 255
		}
	}
}

func (f *pixelFormat) overWhite(p []uint8, alpha uint8) {
	for i, v := range p {
		if f.associated {
			p[i] = uint8(min(255, int(v)+255-int(alpha)))
		} else {
			p[i] = blend(v, alpha)
		}
	}
}

// blend lays a sample over white.
func blend(v, alpha uint8) uint8 {
	if alpha == 255 {
		return v
	}
	return uint8((uint32(v)*uint32(alpha) + 255*(255-uint32(alpha)) + 127) / 255)
}
