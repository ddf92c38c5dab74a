package fingerprint

import "math"

// lobes of the kernel; most tools use three.
const lobes = 3

// taps are the samples whose weighted sum is one sample of a smaller scale.
type taps struct {
	from    int // the first of them
	weights []float32
}

// resample scales a plane down to w×h samples by Lanczos' kernel, as most tools do,
// so that it nearly reproduces their copies.
func (p Plane) resample(w, h int) Plane {
	if w == p.W && h == p.H {
		return p
	}

	out, line := newPlane(w, h), make([]float32, p.W)
	across, down := lanczos(p.W, w), lanczos(p.H, h)
	for y, t := range down {
		clear(line)
		for i, weight := range t.weights {
			row := p.row(t.from + i)[:len(line)]
			for x := range line {
				line[x] += weight * float32(row[x])
			}
		}

		row := out.row(y)
		for x, t := range across {
			sum := float32(0.5)
			for i, v := range line[t.from:][:len(t.weights)] {
				sum += t.weights[i] * v
			}
			row[x] = uint8(min(255, max(0, sum)))
		}
	}

	return out
}

// lanczos makes the taps of m samples out of n.
func lanczos(n, m int) []taps {
	out := make([]taps, m)
	scale := float64(n) / float64(m)
	for i := range out {
		centre := (float64(i) + 0.5) * scale
		from, to := max(0, int(centre-lobes*scale)), min(n, int(centre+lobes*scale)+1)
		t, sum := taps{from, make([]float32, to-from)}, 0.0
		for j := range t.weights {
			x := (float64(from+j) + 0.5 - centre) / scale
			v := sinc(x) * sinc(x/lobes)
			t.weights[j] = float32(v)
			sum += v
		}
		for j := range t.weights {
			t.weights[j] /= float32(sum)
		}
		out[i] = t
	}

	return out
}

func sinc(x float64) float64 {
	if x = math.Abs(math.Pi * x); x > 1e-9 {
		return math.Sin(x) / x
	}
	return 1
}
