package dcjpeg_test

import (
	"image"
	"math"
	"math/rand/v2"
)

// photo makes a picture with the statistics of a photograph: noise whose
// strength falls with its frequency, hard edges, and a little grain.
func photo(w, h int, seed uint64) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	rng := rand.New(rand.NewPCG(seed, 1))
	n := newNoise(rng)
	size := float64(max(w, h, 64))
	for y := range h {
		for x := range w {
			u, v := float64(x)/size, float64(y)/size
			p := 118 + 70*n.octaves(u, v, 3, 2) + 60*n.octaves(u+7, v, 12, 7)*n.at(5*u, 5*v+3)
			if n.at(9*u, 9*v) > 0.25 {
				p -= 45
			}
			p += rng.NormFloat64() * 4.5
			m.Y[m.YOffset(x, y)] = clamp(p)
		}
	}
	for y := 0; y < h; y += 2 {
		for x := 0; x < w; x += 2 {
			u, v := float64(x)/size, float64(y)/size
			i := m.COffset(x, y)
			m.Cb[i] = clamp(128 + 40*n.octaves(u+3, v, 4, 4) + rng.NormFloat64())
			m.Cr[i] = clamp(128 + 40*n.octaves(u, v+5, 4, 4) + rng.NormFloat64())
		}
	}
	return m
}

func clamp(v float64) uint8 { return uint8(math.Round(min(max(v, 0), 255))) }

// noise is value noise: random values on a grid, interpolated.
type noise [256 * 256]float32

func newNoise(rng *rand.Rand) *noise {
	var n noise
	for i := range n {
		n[i] = float32(rng.Float64()*2 - 1)
	}
	return &n
}

func (n *noise) at(x, y float64) float64 {
	xi, yi := math.Floor(x), math.Floor(y)
	fx, fy := x-xi, y-yi
	fx, fy = fx*fx*(3-2*fx), fy*fy*(3-2*fy)
	g := func(dx, dy int) float64 {
		return float64(n[(int(yi)+dy)&255<<8|(int(xi)+dx)&255])
	}
	top := g(0, 0) + fx*(g(1, 0)-g(0, 0))
	bottom := g(0, 1) + fx*(g(1, 1)-g(0, 1))
	return top + fy*(bottom-top)
}

// octaves adds up count octaves from a frequency on, each weaker than the last.
func (n *noise) octaves(x, y, frequency float64, count int) float64 {
	sum, weight := 0.0, 1.0
	for range count {
		sum += weight * n.at(x*frequency, y*frequency)
		frequency *= 2.1
		weight *= 0.68
	}
	return sum
}
