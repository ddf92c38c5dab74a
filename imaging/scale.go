package imaging

import (
	"context"
	"image"
	"image/draw"

	"inlet/imaging/area"
)

// maxLine bounds what a row takes, and how the columns and rows are shared.
const maxLine = 1 << 20

// shrunk decodes the first frame and scales it, over white and upright. Target says
// how large it gets before it is turned upright; no larger than the file has it. An
// eighth of a JPEG serves where target wants no more.
func (in *Inspector) shrunk(ctx context.Context, src *source, f Format, target func(w, h, orientation int) (int, int)) (small *image.RGBA, err error) {
	if err := decodable(f); err != nil {
		return nil, err
	}

	size, err := in.size(src, f, 0)
	if err != nil {
		return nil, err
	}
	if max(size.X, size.Y) > maxLine {
		return nil, undecodable("%d×%d pixels are not scaled", size.X, size.Y)
	}

	orientation := src.meta(f).Orientation
	w, h := target(size.X, size.Y, orientation)
	ways := in.ways(src, f, 0, size, w <= size.X/8 && h <= size.Y/8)
	memory := 2*4*int64(w)*int64(h) + 64*int64(size.X+size.Y) // the result, once more to turn it, and the shares
	err = in.tryEach(ctx, ways, memory, func(way way) error {
		return way.open(func(r rows) error {
			r.next = src.rows(r.next)
			scaled, err := shrink(r, w, h)
			if err != nil {
				return err
			}
			small = upright(scaled, orientation)
			return nil
		})
	})

	return small, err
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
	if r.limited {
		fullRange(r.Image)
	}

	b := r.Bounds()
	y, line := b.Min.Y, image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	return rows{b.Dx(), b.Dy(), r.width, r.height, func(pixels []uint8) error {
		overWhite(r.Image, y, line, pixels)
		y++
		return nil
	}}
}

// overWhite reads row y of a picture as red, green and blue, with white behind
// transparent pixels. It overwrites line, an image of one row.
func overWhite(m image.Image, y int, line *image.RGBA, out []uint8) {
	if m, ok := m.(*image.RGBA); ok { // twice as fast
		for x := range line.Rect.Dx() {
			p := m.Pix[m.PixOffset(m.Rect.Min.X+x, y):][:4]
			white := 255 - p[3]
			out[3*x], out[3*x+1], out[3*x+2] = p[0]+white, p[1]+white, p[2]+white
		}
		return
	}

	draw.Draw(line, line.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(line, line.Rect, m, image.Pt(m.Bounds().Min.X, y), draw.Over)
	for x := range line.Rect.Dx() {
		copy(out[3*x:3*x+3], line.Pix[4*x:])
	}
}

// shrink scales a picture to w×h pixels, not more than it has, by averaging
// areas. It takes memory for a few rows beside the result.
func shrink(src rows, w, h int) (*image.RGBA, error) {
	across, down := area.Shares(src.across, src.width, w), area.Shares(src.down, src.height, h)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	pixels, line := make([]uint8, 3*src.across), make([]float32, 3*w)
	row, next := make([]float32, 3*w), make([]float32, 3*w)

	for y, s := range down {
		if err := src.next(pixels); err != nil {
			return nil, err
		}
		average(line, pixels, across)
		for i, v := range line {
			row[i] += v * s.Here
			next[i] += v * s.There
		}

		if y+1 < len(down) && down[y+1].Cell == s.Cell {
			continue
		}
		write(out.Pix[s.Cell*out.Stride:], row)
		row, next = next, row
		clear(next)
	}

	return out, nil
}

// average scales one row.
func average(line []float32, pixels []uint8, across []area.Share) {
	clear(line)
	for x, s := range across {
		r, g, b := float32(pixels[3*x]), float32(pixels[3*x+1]), float32(pixels[3*x+2])
		cell := line[3*s.Cell:]
		cell[0] += r * s.Here
		cell[1] += g * s.Here
		cell[2] += b * s.Here
		if s.There > 0 {
			cell[3] += r * s.There
			cell[4] += g * s.There
			cell[5] += b * s.There
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

// upright undoes an EXIF orientation.
func upright(m *image.RGBA, orientation int) *image.RGBA {
	flipX := orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8
	flipY := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
	transposed := turned(orientation)
	if !flipX && !flipY && !transposed {
		return m
	}

	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if transposed {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}

	for y := range h {
		for x := range w {
			toX, toY := x, y
			if flipX {
				toX = w - 1 - x
			}
			if flipY {
				toY = h - 1 - y
			}
			if transposed {
				toX, toY = toY, toX
			}
			copy(out.Pix[out.PixOffset(toX, toY):][:4], m.Pix[m.PixOffset(x, y):])
		}
	}

	return out
}
