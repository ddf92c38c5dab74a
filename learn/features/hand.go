package features

import (
	"image"
	"math"
	"math/bits"
)

const (
	handSide = 64 // pixels of the square on which shapes and layout are measured

	layoutSide  = 8
	layoutCells = layoutSide * layoutSide
	layoutSlots = 2 * 3 * layoutCells // 384

	levels      = 4 // of each of red, green and blue
	colourSlots = levels * levels * levels
	edgeSlots   = 8
	shapeSlots  = 2

	qualitySlots = 6

	// HandDims is the number of values measured by hand.
	HandDims = hogSlots + layoutSlots + colourSlots + edgeSlots + shapeSlots + qualitySlots // 2,228
)

// byHand measures a picture. The package's comment lists the slots.
func byHand(p *image.RGBA, quality [6]float32) []float32 {
	out := make([]float32, HandDims)
	rest := out
	next := func(n int) []float32 {
		part := rest[:n]
		rest = rest[n:]
		return part
	}

	square := resample(p, handSide, handSide)
	y, cb, cr := planes(square)
	hog(y, next(hogSlots))
	for _, channel := range [][]float32{y, cb, cr} {
		layout(channel, next(layoutCells), next(layoutCells))
	}
	colours(square, next(colourSlots))
	different := edges(p, next(edgeSlots))
	shape(p, different, next(shapeSlots))
	copy(next(qualitySlots), quality[:])

	for i, v := range out {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			out[i] = 0
		}
	}
	return out
}

// planes are the luminance and the two differences of colour, as in JFIF, but
// not rounded: 0 to 255, and −128 to 128.
func planes(p *plane) (y, cb, cr []float32) {
	n := p.w * p.h
	y, cb, cr = make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		r, g, b := float32(p.pix[3*i]), float32(p.pix[3*i+1]), float32(p.pix[3*i+2])
		y[i] = 0.299*r + 0.587*g + 0.114*b
		cb[i] = 0.564 * (b - y[i])
		cr[i] = 0.713 * (r - y[i])
	}
	return y, cb, cr
}

// layout says where in the picture a channel has which values: for each of 8×8
// cells the mean and the standard deviation of its pixels.
func layout(channel, means, deviations []float32) {
	const side = handSide / layoutSide
	for cell := range layoutCells {
		var sum, squares float64
		for i := range side * side {
			v := float64(channel[(cell/layoutSide*side+i/side)*handSide+cell%layoutSide*side+i%side])
			sum += v
			squares += v * v
		}
		mean := sum / (side * side)
		means[cell] = float32(mean)
		deviations[cell] = float32(math.Sqrt(max(0, squares/(side*side)-mean*mean)))
	}
}

// colours is the square root of the share of pixels in each of 4×4×4 boxes of red,
// green and blue: the root makes distances those of Hellinger, in which a rare
// colour counts.
func colours(p *plane, out []float32) {
	for i := range p.w * p.h {
		r, g, b := int(p.pix[3*i])*levels>>8, int(p.pix[3*i+1])*levels>>8, int(p.pix[3*i+2])*levels>>8
		out[(r*levels+g)*levels+b]++
	}
	roots(out, p.w*p.h)
}

func roots(counts []float32, of int) {
	for i, v := range counts {
		counts[i] = float32(math.Sqrt(float64(v) / float64(max(1, of))))
	}
}

// edges is the square root of the share of pixels by how much green differs from
// the pixels to the right and below: none, 1, 2–3, 4–7 … 64 or more. Drawings and
// screenshots have much of the first and the last, photos of those between. Beside
// that it counts the different colours, 5 bits each.
func edges(p *image.RGBA, out []float32) (different int) {
	var seen [1 << 15]bool
	size, pairs := p.Rect.Size(), 0
	for y := range size.Y {
		row := p.Pix[p.PixOffset(p.Rect.Min.X, p.Rect.Min.Y+y):][:4*size.X]
		below := row
		if y+1 < size.Y {
			below = p.Pix[p.PixOffset(p.Rect.Min.X, p.Rect.Min.Y+y+1):][:4*size.X]
		}

		for x := range size.X {
			pix := row[4*x:][:3]
			colour := int(pix[0])>>3<<10 | int(pix[1])>>3<<5 | int(pix[2])>>3
			if !seen[colour] {
				seen[colour] = true
				different++
			}

			right := row[4*min(x+1, size.X-1)+1]
			d := max(apart(pix[1], right), apart(pix[1], below[4*x+1]))
			out[min(edgeSlots-1, bits.Len8(d))]++
			pairs++
		}
	}

	roots(out, pairs)
	return different
}

func apart(a, b uint8) uint8 { return max(a, b) - min(a, b) }

// shape is how wide the picture is for its height, and how many different colours
// it has, both as natural logarithms.
func shape(p *image.RGBA, different int, out []float32) {
	size := p.Rect.Size()
	out[0] = float32(math.Log(float64(size.X) / float64(size.Y)))
	out[1] = float32(math.Log(float64(different)))
}
