package fingerprint

import "math"

// evidence holds the measurements of a comparison; levels are of 256.
type evidence struct {
	grid   int     // cells along the longest side of the common scale
	fit    fitting // at that scale
	shift  float64 // cells, of the whole or of a quarter
	mean   float64 // mean absolute residual, in levels
	block  float64 // squared residual of the worst window, in parts of a coder's
	chroma float64 // mean difference of chroma, in levels
	spot   float64 // the same of the worst 2×2 cells
	hue    float64 // rotation of the hues, in degrees
	vivid  float64 // gain of chroma
	beyond float64 // the hardest block of 8×8 samples; see compareSpectrum
	lost   float64 // part of a document's contrast that the smaller picture lacks
}

const (
	noise    = 6.0  // squared levels that a coder adds everywhere
	textured = 0.08 // part of the squared gradient that it may change
)

// compareLuma compares at a common scale with no side longer than side.
func (e *evidence) compareLuma(a, b Plane, side int) {
	w, h := common(a, b, 2.0/3, side)
	e.grid = max(w, h)
	a, b = a.reduce(w, h), b.reduce(w, h)
	e.fit = fitted(a, b)
	e.shift = max(math.Abs(e.fit.dx), math.Abs(e.fit.dy), apart(a, b))

	var rest []float64
	rest, e.mean = e.fit.residual(a, b)
	squares := total(w, h, func(i int) float64 { return rest[i] * rest[i] })
	gradients := total(w, h, func(i int) float64 {
		x, y := i%w, i/w
		if x == 0 || y == 0 || x == w-1 || y == h-1 {
			return 0
		}
		dx, dy := float64(a.Pix[i+1])-float64(a.Pix[i-1]), float64(a.Pix[i+w])-float64(a.Pix[i-w])
		return (dx*dx + dy*dy) / 4
	})

	for _, s := range []int{3, 6} {
		for y := 1; y+s < h; y += s / 3 {
			for x := 1; x+s < w; x += s / 3 {
				explained := float64(s*s)*noise + textured*gradients.of(x, y, s, s)
				e.block = max(e.block, squares.of(x, y, s, s)/explained)
			}
		}
	}
}

// apart is the largest shift, in cells, of a quarter of the picture that is not
// blank. A picture that was cropped a little on all sides is larger than the other,
// but not shifted as a whole.
func apart(a, b Plane) (most float64) {
	w, h := a.W/2, a.H/2
	for _, at := range [][2]int{{0, 0}, {a.W - w, 0}, {0, a.H - h}, {a.W - w, a.H - h}} {
		f := fitted(a.part(at[0], at[1], w, h), b.part(at[0], at[1], w, h))
		if f.slope > 4 {
			most = max(most, math.Abs(f.dx), math.Abs(f.dy))
		}
	}

	return most
}

// common is the size in cells of the scale of a comparison: part of the smaller
// picture's, with no side longer than side.
func common(a, b Plane, part float64, side int) (w, h int) {
	small := a
	if b.W*b.H < a.W*a.H {
		small = b
	}
	scale := min(part, float64(side)/float64(max(small.W, small.H)))
	w = min(a.W, b.W, max(8, int(float64(small.W)*scale+0.5)))
	h = min(a.H, b.H, max(8, int(float64(small.H)*scale+0.5)))

	return w, h
}

// compareChroma looks for other colours, everywhere or in a spot. Hue and vividness
// are the rotation and the gain that map one picture's chroma to the other's.
func (e *evidence) compareChroma(a, b *Picture) {
	w, h := common(Plane{W: min(a.Cb.W, a.Cr.W), H: min(a.Cb.H, a.Cr.H)}, Plane{W: b.Cb.W, H: b.Cb.H}, 1, 32)
	au, av, bu, bv := a.Cb.reduce(w, h), a.Cr.reduce(w, h), b.Cb.reduce(w, h), b.Cr.reduce(w, h)

	var re, im, energy, sum float64
	diff := make([]float64, w*h)
	for i := range diff {
		pu, pv := float64(au.Pix[i])-128, float64(av.Pix[i])-128
		qu, qv := float64(bu.Pix[i])-128, float64(bv.Pix[i])-128
		re += pu*qu + pv*qv
		im += pu*qv - pv*qu
		energy += pu*pu + pv*pv
		// Chroma may move by a part of a cell, so edges may differ.
		diff[i] = max(0, max(math.Abs(pu-qu), math.Abs(pv-qv))-0.25*max(au.spread(i), av.spread(i)))
		sum += (math.Abs(pu-qu) + math.Abs(pv-qv)) / 2
	}

	e.chroma = sum / float64(w*h)
	e.vivid = 1
	if energy > 9*float64(w*h) {
		e.hue, e.vivid = math.Abs(math.Atan2(im, re))*180/math.Pi, math.Hypot(re, im)/energy
	}
	all := total(w, h, func(i int) float64 { return diff[i] })
	for y := range h - 1 {
		for x := range w - 1 {
			e.spot = max(e.spot, all.of(x, y, 2, 2)/4)
		}
	}
}

// spread is the range of the 3×3 samples around sample i.
func (p Plane) spread(i int) float64 {
	x, y := i%p.W, i/p.W
	low, high := p.Pix[i], p.Pix[i]
	for j := max(0, y-1); j <= min(p.H-1, y+1); j++ {
		for _, s := range p.row(j)[max(0, x-1):min(p.W, x+2)] {
			low, high = min(low, s), max(high, s)
		}
	}

	return float64(high - low)
}
