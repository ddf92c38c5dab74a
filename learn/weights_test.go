package learn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestQuantise compares logits of 12-bit weights with exact ones, for odd numbers of
// labels and for widths beyond one block of sums.
func TestQuantise(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ labels, dims int }{{2, 1}, {3, 17}, {5, 4004}, {8, laneBlock}, {9, 3*laneBlock + 5}} {
		rng := rand.New(rand.NewPCG(1, uint64(size.dims)))
		l := linear{w: make([]float32, size.labels*size.dims), bias: make([]float32, size.labels)}
		for i := range l.w {
			l.w[i] = float32(rng.NormFloat64() / 32 / math.Sqrt(float64(size.dims)))
		}
		for c := range l.bias {
			l.bias[c] = float32(rng.NormFloat64())
		}
		v := make([]int8, size.dims)
		for j := range v {
			v[j] = int8(rng.NormFloat64() * 32)
		}

		z := make([]float32, size.labels)
		quantise(l, size.dims).logits(v, z)
		for c := range z {
			want := float64(l.bias[c])
			for j, x := range v {
				want += float64(l.w[c*size.dims+j]) * float64(x)
			}
			if math.Abs(float64(z[c])-want) > 2e-3 {
				t.Errorf("%d×%d, label %d: %v, want %v", size.labels, size.dims, c, z[c], want)
			}
		}
	}
}

// TestLanesHold sums the largest products of one sign.
func TestLanesHold(t *testing.T) {
	t.Parallel()
	for _, sign := range []int16{1, -1} {
		q := newWeights(2, 2*laneBlock)
		v := make([]int8, q.dims)
		for j := range v {
			v[j] = -128
			q.put(0, j, sign*weightMax)
			q.put(1, j, -sign*weightMax)
		}
		q.scale[0], q.scale[1] = 1, 1
		z := make([]float32, 2)
		q.logits(v, z)
		if want := -128 * float32(sign) * weightMax * float32(q.dims); z[0] != want || z[1] != -want {
			t.Errorf("sign %d: %v, want ±%v", sign, z, want)
		}
		if q.get(0, 5) != sign*weightMax || q.get(1, 5) != -sign*weightMax {
			t.Errorf("sign %d: weights %d, %d", sign, q.get(0, 5), q.get(1, 5))
		}
	}
}

// TestResidual compares the gradients with differences of the loss.
func TestResidual(t *testing.T) {
	t.Parallel()
	for _, several := range []bool{false, true} {
		z, target := []float32{0.3, -1.2, 2, 0}, []int32{0, 2}
		r := make([]float32, len(z))
		loss := residual(several, z, target, r)
		if other := lossOf(several, z, target); math.Abs(loss-other) > 1e-9 {
			t.Errorf("several %v: losses %v and %v", several, loss, other)
		}
		for c := range z {
			const h = 1e-2
			moved := []float32{z[0], z[1], z[2], z[3]}
			moved[c] += h
			up := lossOf(several, moved, target)
			moved[c] -= 2 * h
			if slope := (up - lossOf(several, moved, target)) / (2 * h); math.Abs(slope-float64(r[c])) > 1e-3 {
				t.Errorf("several %v, logit %d: gradient %v, difference %v", several, c, r[c], slope)
			}
		}
	}
}

// TestCalibrationOfFew: forty right answers do not make certain.
func TestCalibrationOfFew(t *testing.T) {
	t.Parallel()
	const n = 40
	z, targets := make([]float32, 4*n), make([][]int32, n)
	for i := range n {
		z[4*i], targets[i] = 3, []int32{0}
	}
	e := math.Exp(3 * float64(fitTemperature(z, 4, targets)))
	if p := e / (e + 3); p < 0.95 || p > 0.995 {
		t.Errorf("a probability of %.4f", p)
	}
}

// TestCalibration finds the known distortion of logits again.
func TestCalibration(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 20_000
	z, column, targets, right := make([]float32, 2*n), make([]float32, n), make([][]int32, n), make([]bool, n)
	for i := range n {
		column[i] = float32(rng.NormFloat64() * 3)
		z[2*i] = column[i]
		targets[i] = []int32{1}
		if rng.Float64() < 1/(1+math.Exp(-0.5*float64(column[i]))) {
			targets[i] = []int32{0}
		}
		right[i] = rng.Float64() < 1/(1+math.Exp(-(0.7*float64(column[i])-1)))
	}
	if factor := fitTemperature(z, 2, targets); math.Abs(float64(factor)-0.5) > 0.03 {
		t.Errorf("factor %v, want 0.5", factor)
	}
	if a, b := fitPlatt(column, right); math.Abs(float64(a)-0.7) > 0.05 || math.Abs(float64(b)+1) > 0.1 {
		t.Errorf("Platt %v, %v, want 0.7, -1", a, b)
	}
	if a, b := fitPlatt(column, make([]bool, n)); a != 1 || b != 0 {
		t.Errorf("Platt without a positive: %v, %v", a, b)
	}
}
