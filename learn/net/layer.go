package net

import "inlet/learn/gemm"

// pixels is a picture whose pixels lie some values apart, so that a layer can write
// into a part of each.
type pixels struct {
	values []float32
	apart  int
}

// window returns which of the layer's count pixels in one direction, from the one
// that belongs to pixel i after the layer, lie inside the picture: the first one's
// place, and [from, to) of count.
func (l *layer) window(i, count int) (first, from, to int) {
	first = i * l.stride
	if l.same {
		first -= (count - 1) / 2
	}
	return first, max(-first, 0), min(l.before-first, count)
}

// run computes the layer.
func (l *layer) run(in, out pixels, columns []float32) {
	switch {
	case l.kind != convolution:
		l.pool(in, out)
	case l.height == 1 && l.width == 1:
		l.weights.Mul(l.after*l.after, in.values, in.apart, out.values, out.apart, false, gemm.Positive)
	default:
		l.convolve(in, out, columns)
	}
}

// convolve is a product of matrices: a row of the first one is all values that
// lead to one pixel. It makes as many rows at once as columns has place for.
func (l *layer) convolve(in, out pixels, columns []float32) {
	depth := l.height * l.width * l.in
	rows := max(len(columns)/(depth*l.after), 1)
	for y := 0; y < l.after; y += rows {
		count := min(l.after-y, rows) * l.after
		for i := range count {
			l.gather(in, y+i/l.after, i%l.after, columns[i*depth:][:depth])
		}
		l.weights.Mul(count, columns, depth, out.values[y*l.after*out.apart:], out.apart, false, gemm.Positive)
	}
}

// gather copies the pixels that lead to pixel (y, x), with zeros for those outside
// of the picture.
func (l *layer) gather(in pixels, y, x int, values []float32) {
	top, fromRow, toRow := l.window(y, l.height)
	left, from, to := l.window(x, l.width)
	for row := range l.height {
		part := values[row*l.width*l.in:][:l.width*l.in]
		if row < fromRow || row >= toRow {
			clear(part)
			continue
		}

		clear(part[:from*l.in])
		clear(part[to*l.in:])
		for column := from; column < to; column++ {
			copy(part[column*l.in:][:l.in], in.values[((top+row)*l.before+left+column)*in.apart:])
		}
	}
}

// pool computes the highest or the mean of the pixels inside the picture.
func (l *layer) pool(in, out pixels) {
	for i := range l.after * l.after {
		top, fromRow, toRow := l.window(i/l.after, l.height)
		left, from, to := l.window(i%l.after, l.width)
		pixel := out.values[i*out.apart:][:l.in]

		first := true
		for row := fromRow; row < toRow; row++ {
			for column := from; column < to; column++ {
				values := in.values[((top+row)*l.before+left+column)*in.apart:][:l.in]
				l.merge(pixel, values, first)
				first = false
			}
		}
		if l.kind == mean {
			scale := 1 / float32((toRow-fromRow)*(to-from))
			for c := range pixel {
				pixel[c] *= scale
			}
		}
	}
}

// merge takes a pixel into a pool, the first one as it is.
func (l *layer) merge(pool, values []float32, first bool) {
	switch {
	case first:
		copy(pool, values)
	case l.kind == mean:
		for c, v := range values {
			pool[c] += v
		}
	default:
		for c, v := range values {
			pool[c] = max(pool[c], v)
		}
	}
}
