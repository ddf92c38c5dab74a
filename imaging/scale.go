package imaging

import (
	"image"
	"image/color"
)

// share is how a sample is divided between the cell it begins in and the next.
type share struct {
	cell        int
	here, there float32
}

// shares divides n samples, which are extent wide in all, among cells of equal
// width. The shares of a cell add up to 1.
func shares(n int, extent float64, cells int) []share {
	all := make([]share, n)
	scale := float64(cells) / extent
	for i := range all {
		from, to := float64(i)*scale, min(float64(i+1), extent)*scale
		s := share{cell: min(int(from), cells-1), here: float32(max(0, to-from))}
		if end := float64(s.cell + 1); to > end && s.cell+1 < cells {
			s.here, s.there = float32(end-from), float32(to-end)
		}
		all[i] = s
	}
	return all
}

// rows are the pixels of a picture from its top, over white. Of the samples only
// width × height hold the picture: the last column and row may reach beyond it.
type rows struct {
	across, down  int // samples
	width, height float64
	next          func(pixels []uint8) error // red, green and blue of the next row
}

// rows reads a decoded picture by rows.
func (r raster) rows() rows {
	b := r.Bounds()
	y := b.Min.Y
	return rows{b.Dx(), b.Dy(), r.width, r.height, func(pixels []uint8) error {
		overWhite(r.Image, y, pixels)
		y++
		return nil
	}}
}

// shrink scales a picture to w×h pixels, which must not be more than it has, by
// averaging areas. It takes memory for a few rows beside the result.
func shrink(src rows, w, h int) (*image.RGBA, error) {
	across, down := shares(src.across, src.width, w), shares(src.down, src.height, h)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	pixels, line := make([]uint8, 3*src.across), make([]float32, 3*w)
	row, next := make([]float32, 3*w), make([]float32, 3*w)
	for y, s := range down {
		if err := src.next(pixels); err != nil {
			return nil, err
		}
		average(line, pixels, across)
		for i, v := range line {
			row[i] += v * s.here
			next[i] += v * s.there
		}
		if y+1 < len(down) && down[y+1].cell == s.cell {
			continue
		}
		write(out.Pix[s.cell*out.Stride:], row)
		row, next = next, row
		clear(next)
	}
	return out, nil
}

// average scales one row.
func average(line []float32, pixels []uint8, across []share) {
	clear(line)
	for x, s := range across {
		r, g, b := float32(pixels[3*x]), float32(pixels[3*x+1]), float32(pixels[3*x+2])
		cell := line[3*s.cell:]
		cell[0] += r * s.here
		cell[1] += g * s.here
		cell[2] += b * s.here
		if s.there > 0 {
			cell[3] += r * s.there
			cell[4] += g * s.there
			cell[5] += b * s.there
		}
	}
}

func write(pix []uint8, row []float32) {
	for x := range len(row) / 3 {
		for c := range 3 {
			pix[4*x+c] = uint8(min(255, row[3*x+c]+0.5))
		}
		pix[4*x+3] = 255
	}
}

// overWhite reads a row of pixels as red, green and blue, with white behind what
// is transparent.
func overWhite(m image.Image, y int, out []uint8) {
	b := m.Bounds()
	switch m := m.(type) {
	case *image.YCbCr:
		for x := range b.Dx() {
			yi, ci := m.YOffset(b.Min.X+x, y), m.COffset(b.Min.X+x, y)
			out[3*x], out[3*x+1], out[3*x+2] = color.YCbCrToRGB(m.Y[yi], m.Cb[ci], m.Cr[ci])
		}
	case *image.Gray:
		for x, v := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
			out[3*x], out[3*x+1], out[3*x+2] = v, v, v
		}
	case *image.RGBA:
		for x := range b.Dx() {
			p := m.Pix[m.PixOffset(b.Min.X+x, y):][:4]
			white := 255 - p[3]
			out[3*x], out[3*x+1], out[3*x+2] = p[0]+white, p[1]+white, p[2]+white
		}
	case *image.NRGBA:
		for x := range b.Dx() {
			p := m.Pix[m.PixOffset(b.Min.X+x, y):][:4]
			for c := range 3 {
				out[3*x+c] = blend(p[c], p[3])
			}
		}
	default:
		for x := range b.Dx() {
			r, g, bl, a := m.At(b.Min.X+x, y).RGBA()
			white := 0xffff - a
			out[3*x], out[3*x+1], out[3*x+2] = uint8((r+white)>>8), uint8((g+white)>>8), uint8((bl+white)>>8)
		}
	}
}
