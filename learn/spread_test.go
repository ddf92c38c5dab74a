package learn_test

import (
	"slices"
	"testing"

	"inlet/learn"
)

func TestUncertainty(t *testing.T) {
	t.Parallel()
	predictions := func(p ...float32) (out []learn.Prediction) {
		for _, v := range p {
			out = append(out, learn.Prediction{Probability: v})
		}
		return out
	}
	for _, c := range []struct {
		p    []learn.Prediction
		want float32
	}{
		{nil, 1},
		{predictions(1, 0), 0},
		{predictions(0.5, 0.5), 1},
		{predictions(0.9, 0.1), 0.2},
		{predictions(0.25, 0.25, 0.25, 0.25), 0.75},
		{predictions(0.05, 0.01), 0.95}, // mode several: no label fits
		{predictions(1, 1, 0), 0},       // mode several: both do
		{predictions(1, 0.5, 0), 1},
	} {
		if got := learn.Uncertainty(c.p); got < c.want-1e-6 || got > c.want+1e-6 {
			t.Errorf("%v: %v, want %v", c.p, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	a, b, c := []int8{100, 0, 0}, []int8{0, 100, 0}, []int8{0, 0, 100}
	for _, k := range []struct {
		name        string
		vectors     [][]int8
		uncertainty []float32
		n           int
		want        []int
	}{
		{"none", nil, nil, 5, []int{}},
		{"negative", [][]int8{a}, []float32{1}, -1, []int{}},
		{"uncertain first", [][]int8{a, b, c}, []float32{0.2, 0.9, 0.5}, 2, []int{1, 2}},
		{"one of a burst", [][]int8{a, a, a, b, c}, []float32{0.9, 0.9, 0.9, 0.3, 0.2}, 3, []int{0, 3, 4}},
		{"all", [][]int8{a, a, b}, []float32{0.9, 0.8, 0.1}, 9, []int{0, 2, 1}},
		{"empty vectors", [][]int8{{0, 0}, {0, 0}, {1, 0}}, []float32{0.5, 0.5, 0.1}, 2, []int{0, 2}},
		{"certain", [][]int8{a, b}, []float32{0, 0}, 2, []int{0, 1}},
	} {
		if got := learn.Spread(k.vectors, k.uncertainty, k.n); !slices.Equal(got, k.want) {
			t.Errorf("%s: %v, want %v", k.name, got, k.want)
		}
	}

	// Ten bursts of twenty: the first ten choices are of ten bursts.
	w := newWorld(13, 500, 10, 3)
	var vectors [][]int8
	uncertainty := make([]float32, 200)
	for i := range uncertainty {
		uncertainty[i] = 0.5 + w.rng.Float32()/2
		if i%20 == 0 {
			vectors = append(vectors, w.picture(i/20))
			continue
		}
		v := slices.Clone(vectors[i-i%20])
		v[i%len(v)]++
		vectors = append(vectors, v)
	}
	bursts := map[int]bool{}
	for _, i := range learn.Spread(vectors, uncertainty, 10) {
		bursts[i/20] = true
	}
	if len(bursts) != 10 {
		t.Errorf("ten choices of %d bursts", len(bursts))
	}
}
