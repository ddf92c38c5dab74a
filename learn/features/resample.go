package features

import (
	"image"
	"math"
)

// plane is a small picture: red, green and blue of each pixel, row by row.
type plane struct {
	w, h int
	pix  []uint8 // 3·w·h
}

func newPlane(w, h int) *plane { return &plane{w, h, make([]uint8, 3*w*h)} }

// resample scales a picture to w×h pixels with a triangle filter, which is the
// bilinear one where it enlarges and widens with the scale where it reduces. Work
// grows with the picture's pixels, memory with w·h and with the picture's width.
func resample(p *image.RGBA, w, h int) *plane {
	size := p.Rect.Size()
	columns, rows := triangle(size.X, w), byInput(triangle(size.Y, h), size.Y)
	line, sums := make([]float32, 3*w), make([]float32, 3*w*h)

	for y := range size.Y {
		across(line, p.Pix[p.PixOffset(p.Rect.Min.X, p.Rect.Min.Y+y):], columns)
		for _, to := range rows[y] {
			row := sums[3*w*to.at:][:3*w]
			for i, v := range line {
				row[i] += to.weight * v
			}
		}
	}

	out := newPlane(w, h)
	for i, v := range sums {
		out.pix[i] = uint8(min(255, max(0, v+0.5)))
	}
	return out
}

// across scales a row of red, green, blue and opacity.
func across(line []float32, pix []uint8, columns []taps) {
	for x, t := range columns {
		var r, g, b float32
		for i, weight := range t.weights {
			p := pix[4*(t.first+i):][:3]
			r += weight * float32(p[0])
			g += weight * float32(p[1])
			b += weight * float32(p[2])
		}
		line[3*x], line[3*x+1], line[3*x+2] = r, g, b
	}
}

// taps are the weights of the input samples, from first on, in an output sample.
// They add up to 1.
type taps struct {
	first   int
	weights []float32
}

// triangle makes the taps that scale n samples to m.
func triangle(n, m int) []taps {
	scale := float64(n) / float64(m)
	radius := max(1, scale)
	all := make([]taps, m)

	for i := range all {
		centre := (float64(i)+0.5)*scale - 0.5
		first, last := max(0, int(math.Ceil(centre-radius))), min(n-1, int(math.Floor(centre+radius)))
		weights, sum := make([]float64, last-first+1), 0.0
		for j := range weights {
			weights[j] = max(0, 1-math.Abs(float64(first+j)-centre)/radius)
			sum += weights[j]
		}

		all[i] = taps{first, make([]float32, len(weights))}
		for j, v := range weights {
			all[i].weights[j] = float32(v / sum)
		}
	}

	return all
}

// share is the weight of an input sample in the output sample at.
type share struct {
	at     int
	weight float32
}

// byInput lists for each of n input samples the output samples it is part of.
func byInput(all []taps, n int) [][]share {
	shares := make([][]share, n)
	for at, t := range all {
		for i, weight := range t.weights {
			if weight > 0 {
				shares[t.first+i] = append(shares[t.first+i], share{at, weight})
			}
		}
	}
	return shares
}

// squared scales a picture into a square of the given side, whole and in the middle,
// with grey of a level beside it.
func squared(p *image.RGBA, side int, grey uint8) *plane {
	size := p.Rect.Size()
	long := max(size.X, size.Y)
	w, h := max(1, (size.X*side+long/2)/long), max(1, (size.Y*side+long/2)/long)
	inner := resample(p, w, h)

	out := newPlane(side, side)
	for i := range out.pix {
		out.pix[i] = grey
	}
	left, top := (side-w)/2, (side-h)/2
	for y := range h {
		copy(out.pix[3*((top+y)*side+left):], inner.pix[3*y*w:3*(y+1)*w])
	}

	return out
}
