package net

import (
	"math"
	"math/rand/v2"
	"testing"

	"inlet/learn/gemm"
)

// naive is the convolution as its definition says, in float64.
func (d *depthwise) naive(side int, in []float32) []float32 {
	after := side / d.stride
	out := make([]float32, after*after*d.channels)
	for i := range out {
		y, x, c := i/d.channels/after, i/d.channels%after, i%d.channels
		sum := float64(d.bias[c])
		for tap := range 9 {
			v, u := y*d.stride+tap/3, x*d.stride+tap%3
			if d.stride == 1 {
				v, u = v-1, u-1
			}
			if v >= 0 && v < side && u >= 0 && u < side {
				sum += float64(d.weights[tap*d.channels+c]) * float64(in[(v*side+u)*d.channels+c])
			}
		}
		out[i] = float32(min(max(sum, 0), 6))
	}
	return out
}

func random(r *rand.Rand, n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = 4*r.Float32() - 2
	}
	return values
}

// checkDepthwise compares assembly, plain Go and the definition, computing some
// rows at a time.
func checkDepthwise(t *testing.T, seed uint64, side, channels, stride, rows int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	d := depthwise{channels: channels, stride: stride, weights: random(r, 9*channels), bias: random(r, channels)}
	in, after := random(r, side*side*channels), side/stride
	want := d.naive(side, in)

	for _, simd := range []bool{false, gemm.Accelerated()} {
		out := make([]float32, after*after*channels)
		for from := 0; from < after; from += rows {
			to := min(from+rows, after)
			first, last := d.reach(side, from, to)
			row := side * channels
			d.run(simd, side, from, to, in[first*row:last*row], first, out[from*after*channels:to*after*channels], make([]float32, channels))
		}
		for i := range want {
			if !(math.Abs(float64(out[i]-want[i])) < 1e-5) {
				t.Fatalf("simd %v, side %d, %d channels, stride %d, %d rows: value %d is %v, not %v", simd, side, channels, stride, rows, i, out[i], want[i])
			}
		}
	}
}

func TestDepthwise(t *testing.T) {
	t.Parallel()
	for _, side := range []int{2, 4, 14} {
		for _, channels := range []int{8, 24, 32, 40, 72, 136} {
			for _, stride := range []int{1, 2} {
				for _, rows := range []int{1, 2, 14} {
					checkDepthwise(t, 1, side, channels, stride, rows)
				}
			}
		}
	}
}

func FuzzDepthwise(f *testing.F) {
	f.Add(uint64(1), uint8(7), uint8(9), true, uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, half, eighths uint8, halves bool, rows uint8) {
		stride := 1
		if halves {
			stride = 2
		}
		checkDepthwise(t, seed, 2+2*int(half%12), 8+8*int(eighths%20), stride, 1+int(rows%12))
	})
}
