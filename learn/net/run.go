package net

import (
	"math"

	"inlet/learn/gemm"
)

// scratch is the memory of one call: the layers before and after the one that
// runs.
type scratch struct {
	columns []float32 // 3×3 pixels of the picture for each pixel of a few rows after the stem

	in, out         []float32 // of a block
	expanded, mixed []float32 // inside a block: before and after the depthwise convolution
	zeros           []float32 // a pixel outside of the picture
}

// stemRows is how many rows the stem computes at once.
const stemRows = 8

// newScratch makes the memory that every one of the nets needs.
func newScratch(nets ...*network) *scratch {
	var narrow, expanded, mixed, channels int
	for _, n := range nets {
		side := Square / 2
		for _, b := range n.blocks {
			narrow = max(narrow, side*side*b.in)
			after := side / b.depthwise.stride
			rows := min(b.rows(side), after)
			expanded = max(expanded, min(rows*b.depthwise.stride+2, side)*side*b.inside)
			mixed = max(mixed, rows*after*b.inside)
			narrow = max(narrow, after*after*b.out)
			side = after
			channels = max(channels, b.inside)
		}
	}
	return &scratch{
		columns: make([]float32, stemRows*Square/2*27),
		in:      make([]float32, narrow), out: make([]float32, narrow),
		expanded: make([]float32, expanded), mixed: make([]float32, mixed),
		zeros: make([]float32, channels),
	}
}

// run is one call.
type run struct {
	pause   func() error // gives way to others between layers; an error ends the run
	scratch *scratch
	input   *[256]float32 // what a byte of a pixel means
	rgb     []byte
}

// result is what a net computed.
type result struct{ features, classes []float32 }

// network runs a net on the picture.
func (r *run) network(n *network) (result, error) {
	if err := r.stem(n.stem); err != nil {
		return result{}, err
	}

	var done result
	side := Square / 2
	for i := range n.blocks {
		b := &n.blocks[i]
		if err := r.block(b, side); err != nil {
			return result{}, err
		}
		side /= b.depthwise.stride
		if i == n.features { // a late block, whose rows are computed all at once
			done.features = average(r.scratch.mixed, side*side, b.inside)
		}
	}

	if n.head != nil {
		done.classes = r.head(n, side)
	}
	return done, r.pause()
}

// stem computes the first convolution, from the picture into scratch.in: a matrix
// product of 3×3 pixels each.
func (r *run) stem(p *gemm.Packed) error {
	const side = Square / 2
	for y := 0; y < side; y += stemRows {
		for i := range stemRows {
			r.neighbours(y+i, r.scratch.columns[i*side*27:])
		}

		channels := p.Columns()
		p.Mul(stemRows*side, r.scratch.columns, 27, r.scratch.in[y*side*channels:], channels, false, gemm.UpToSix)
	}
	return r.pause()
}

// neighbours gathers the 3×3 pixels for each pixel of row y after the stem. Beyond
// the right and lower edge they are zero, in the middle of what a byte can mean.
func (r *run) neighbours(y int, columns []float32) {
	const row = 3 * Square
	for i := range 3 {
		var pixels [row + 3]float32
		if v := 2*y + i; v < Square {
			for j, value := range r.rgb[v*row:][:row] {
				pixels[j] = r.input[value]
			}
		}
		for x := range Square / 2 {
			copy(columns[27*x+9*i:][:9], pixels[6*x:])
		}
	}
}

// block runs a block from scratch.in to scratch.in, some rows at a time, so that
// the wide pixels inside it stay in the processor's cache and need little memory.
func (r *run) block(b *block, side int) error {
	s, after := r.scratch, side/b.depthwise.stride
	rows := b.rows(side)
	wide := band{} // rows of wide pixels, the last ones that were computed

	for from := 0; from < after; from += rows {
		to := min(from+rows, after)
		first, last := b.depthwise.reach(side, from, to)
		if b.expand == nil {
			wide = band{pixels: s.in[first*side*b.in:], first: first}
		} else {
			wide = b.widen(s, wide, side, first, last)
		}
		if err := r.pause(); err != nil {
			return err
		}

		b.depthwise.run(gemm.Accelerated(), side, from, to, wide.pixels, wide.first, s.mixed, s.zeros)
		if b.project == nil {
			continue
		}
		pixels, start := (to-from)*after, from*after*b.out
		if b.residual {
			// Rows up to last are widened already, and last is at least to.
			b.project.Mul(pixels, s.mixed, b.inside, s.in[start:], b.out, true, gemm.Unlimited)
		} else {
			b.project.Mul(pixels, s.mixed, b.inside, s.out[start:], b.out, false, gemm.Unlimited)
		}
	}

	if !b.residual {
		s.in, s.out = s.out, s.in
	}
	return r.pause()
}

// band is the rows [first, last) of a layer.
type band struct {
	pixels      []float32
	first, last int
}

// widen computes the rows [first, last) from scratch.in. It takes over from the
// band before those that this had already.
func (b *block) widen(s *scratch, before band, side, first, last int) band {
	row := side * b.inside
	known := max(before.last, first)
	if known > first {
		copy(s.expanded, before.pixels[(first-before.first)*row:(known-before.first)*row])
	}

	b.expand.Mul((last-known)*side, s.in[known*side*b.in:], b.in, s.expanded[(known-first)*row:], b.inside, false, gemm.UpToSix)
	return band{pixels: s.expanded, first: first, last: last}
}

// bandValues is about how many values of wide pixels are computed at once: they
// take three quarters of a megabyte.
const bandValues = 192 << 10

// rows is how many rows after the depthwise convolution are computed at once.
func (b *block) rows(side int) int {
	return max(bandValues/(side*b.inside*b.depthwise.stride), 1)
}

// head computes the probabilities of the classes.
func (r *run) head(n *network, side int) []float32 {
	channels := n.head.Columns()
	n.head.Mul(side*side, r.scratch.in, n.blocks[len(n.blocks)-1].out, r.scratch.expanded, channels, false, gemm.UpToSix)

	pixel := average(r.scratch.expanded, side*side, channels)
	classes := make([]float32, n.classes.Columns())
	n.classes.Mul(1, pixel, channels, classes, len(classes), false, gemm.Unlimited)
	softmax(classes)
	return classes
}

// average is the mean pixel.
func average(pixels []float32, count, channels int) []float32 {
	mean := make([]float32, channels)
	for i := range count {
		for c, v := range pixels[i*channels:][:channels] {
			mean[c] += v
		}
	}
	for c := range mean {
		mean[c] /= float32(count)
	}
	return mean
}

// softmax turns scores into probabilities.
func softmax(scores []float32) {
	highest := scores[0]
	for _, v := range scores {
		highest = max(highest, v)
	}

	sum := 0.0
	for i, v := range scores {
		e := math.Exp(float64(v - highest))
		scores[i] = float32(e)
		sum += e
	}
	for i := range scores {
		scores[i] = float32(float64(scores[i]) / sum)
	}
}
