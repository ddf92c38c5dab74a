package fingerprint

import "math"

// field is a plane of numbers.
type field struct {
	w, h int
	v    []float32
}

func (p Plane) field() field {
	f := field{p.W, p.H, make([]float32, len(p.Pix))}
	for i, v := range p.Pix {
		f.v[i] = float32(v)
	}
	return f
}

// fit is how one picture becomes the other as far as that is the work of an
// encoder or a scaler: a gain and an offset, a shift by less than a cell, and
// more or less sharpness.
type fitting struct {
	gain, offset, dx, dy, sharp float64
}

const terms = 5

// fitted finds the fitting with the smallest squared residual and what remains.
// The outermost cells have no residual.
func fitted(a, b Plane) (fitting, field) {
	var m [terms][terms + 1]float64
	each := func(visit func(i int, t *[terms]float64)) {
		var t [terms]float64
		for y := 1; y < a.H-1; y++ {
			for x := 1; x < a.W-1; x++ {
				i := y*a.W + x
				c, l, r, u, d := float64(a.Pix[i]), float64(a.Pix[i-1]), float64(a.Pix[i+1]), float64(a.Pix[i-a.W]), float64(a.Pix[i+a.W])
				t = [terms]float64{c, 1, (r - l) / 2, (d - u) / 2, l + r + u + d - 4*c}
				visit(i, &t)
			}
		}
	}
	each(func(i int, t *[terms]float64) {
		v := float64(b.Pix[i])
		for j := range t {
			for k := j; k < terms; k++ {
				m[j][k] += t[j] * t[k]
			}
			m[j][terms] += t[j] * v
		}
	})
	for j := range m {
		for k := range j {
			m[j][k] = m[k][j]
		}
	}
	s := solve(m)
	rest := field{a.W, a.H, make([]float32, len(a.Pix))}
	each(func(i int, t *[terms]float64) {
		v := float64(b.Pix[i])
		for j, c := range s {
			v -= c * t[j]
		}
		rest.v[i] = float32(v)
	})
	return fitting{gain: s[0], offset: s[1], dx: s[2], dy: s[3], sharp: s[4]}, rest
}

// solve eliminates; terms that cannot be told apart from others become 0.
func solve(m [terms][terms + 1]float64) (s [terms]float64) {
	for col := range terms {
		best := col
		for row := col + 1; row < terms; row++ {
			if math.Abs(m[row][col]) > math.Abs(m[best][col]) {
				best = row
			}
		}
		if math.Abs(m[best][col]) < 1e-6 {
			continue
		}
		m[best], m[col] = m[col], m[best]
		for row := range terms {
			if row == col {
				continue
			}
			f := m[row][col] / m[col][col]
			for k := col; k <= terms; k++ {
				m[row][k] -= f * m[col][k]
			}
		}
	}
	for j := range s {
		if math.Abs(m[j][j]) >= 1e-6 {
			s[j] = m[j][terms] / m[j][j]
		}
	}
	return s
}

// sums answers for the sum of any rectangle at once.
type sums struct {
	w int
	v []float64
}

// total makes sums of of(i) for the cells of a w×h plane.
func total(w, h int, of func(i int) float64) sums {
	s := sums{w + 1, make([]float64, (w+1)*(h+1))}
	for y := range h {
		var row float64
		for x := range w {
			row += of(y*w + x)
			s.v[(y+1)*s.w+x+1] = s.v[y*s.w+x+1] + row
		}
	}
	return s
}

func (s sums) of(x, y, w, h int) float64 {
	top, bottom := y*s.w+x, (y+h)*s.w+x
	return s.v[bottom+w] - s.v[bottom] - s.v[top+w] + s.v[top]
}
