package learn_test

import (
	"slices"
	"testing"

	"inlet/learn"
)

// TestTypical: kinds come in proportion, though one of them varies more than the
// others, which is where Spread would stay.
func TestTypical(t *testing.T) {
	t.Parallel()
	const dims, kinds, each = 400, 4, 50
	w := newWorld(17, dims, kinds, 2)
	var vectors [][]int8
	for i := range kinds * each {
		v := slices.Clone(w.picture(i % kinds))
		for d := range v {
			noise := 5.0
			if i%kinds == 0 {
				noise = 25
			}
			v[d] = int8(max(-127, min(127, float64(v[d])+noise*w.rng.NormFloat64())))
		}
		vectors = append(vectors, v)
	}
	chosen := learn.Typical(vectors, 24)
	counts := make([]int, kinds)
	for _, i := range chosen {
		counts[i%kinds]++
	}
	if slices.Min(counts) < 3 || len(chosen) != 24 {
		t.Errorf("of each kind %v", counts)
	}

	first := map[int]bool{}
	for _, i := range chosen[:kinds] {
		first[i%kinds] = true
	}
	if len(first) != kinds {
		t.Errorf("the first four are of %d kinds", len(first))
	}
}

func TestTypicalEdges(t *testing.T) {
	t.Parallel()
	a, b := []int8{9, 0, 0, 0, 0, 0, 0, 0}, []int8{0, 0, 0, 0, 9, 0, 0, 0}
	for _, k := range []struct {
		name    string
		vectors [][]int8
		n       int
		want    []int
	}{
		{"none", nil, 3, []int{}},
		{"negative", [][]int8{a}, -1, []int{}},
		{"more than there are", [][]int8{a, b}, 9, []int{0, 1}},
		{"one of a burst", [][]int8{b, a, a, a}, 2, []int{1, 0}},
		{"empty vectors", [][]int8{{}, {0}, a, a}, 2, []int{2, 0}},
	} {
		if got := learn.Typical(k.vectors, k.n); !slices.Equal(got, k.want) {
			t.Errorf("%s: %v, want %v", k.name, got, k.want)
		}
	}
}

func BenchmarkTypical(b *testing.B) {
	w := newWorld(19, 4004, 10, 3)
	var vectors [][]int8
	for i := range 480 {
		vectors = append(vectors, w.picture(i%10))
	}
	for b.Loop() {
		learn.Typical(vectors, 24)
	}
}
