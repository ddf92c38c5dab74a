package fingerprint

import "math"

// fitting maps one picture to the other as far as an encoder or a scaler may change
// it: a gain and an offset, a shift by less than a cell, and more or less sharpness.
type fitting struct {
	gain, offset, dx, dy, sharp float64

	brightness float64 // difference of the means, in levels
	slope      float64 // mean square of the lesser of both gradients
	contrast   float64 // difference of the standard deviations, in levels
}

const (
	terms      = 5
	fitSamples = 1 << 18 // enough for a fitting
)

// fitted solves the normal equations of the fitting with the smallest squared
// residual.
func fitted(a, b Plane) fitting {
	var m [terms][terms + 1]float64
	step := max(1, a.W*a.H/fitSamples)
	for y := 1; y < a.H-1; y += step {
		for x := 1; x < a.W-1; x++ {
			i := y*a.W + x
			t := around(a, i)
			v := float64(b.Pix[i])
			for j := range t {
				for k := j; k < terms; k++ {
					m[j][k] += t[j] * t[k]
				}
				m[j][terms] += t[j] * v
			}
		}
	}
	for j := range m {
		for k := range j {
			m[j][k] = m[k][j]
		}
	}

	s := solve(m)
	f := fitting{gain: s[0], offset: s[1], dx: s[2], dy: s[3], sharp: s[4]}
	if n := m[1][1]; n > 0 {
		mean := m[0][1] / n
		f.brightness = math.Abs(f.gain*mean + f.offset - mean)
		f.slope = min(m[2][2], m[3][3]) / n
		f.contrast = math.Abs(f.gain-1) * math.Sqrt(max(0, m[0][0]/n-mean*mean))
	}

	return f
}

// around is the terms of a fitting at sample i, which is not on the edge: the sample,
// 1, its gradients, and its Laplacian.
func around(p Plane, i int) [terms]float64 {
	c, l, r := float64(p.Pix[i]), float64(p.Pix[i-1]), float64(p.Pix[i+1])
	u, d := float64(p.Pix[i-p.W]), float64(p.Pix[i+p.W])
	return [terms]float64{c, 1, (r - l) / 2, (d - u) / 2, l + r + u + d - 4*c}
}

// residual is what the fitting does not explain of b, everywhere but on the edge.
func (f fitting) residual(a, b Plane) (rest []float64, mean float64) {
	rest = make([]float64, len(a.Pix))
	for y := 1; y < a.H-1; y++ {
		for x := 1; x < a.W-1; x++ {
			i := y*a.W + x
			t := around(a, i)
			rest[i] = float64(b.Pix[i]) - f.gain*t[0] - f.offset - f.dx*t[2] - f.dy*t[3] - f.sharp*t[4]
			mean += math.Abs(rest[i])
		}
	}

	return rest, mean / float64(len(rest))
}

// solve eliminates (Gauss-Jordan); terms that depend on others become 0.
func solve(m [terms][terms + 1]float64) (s [terms]float64) {
	const singular = 1e-6
	for col := range terms {
		best := col
		for row := col + 1; row < terms; row++ {
			if math.Abs(m[row][col]) > math.Abs(m[best][col]) {
				best = row
			}
		}
		if math.Abs(m[best][col]) < singular {
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
		if math.Abs(m[j][j]) >= singular {
			s[j] = m[j][terms] / m[j][j]
		}
	}

	return s
}

// sums is a summed-area table: it has the sum of any rectangle in four reads.
type sums struct {
	w int
	v []float64
}

// total sums of(i) over the cells of a w×h plane.
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
