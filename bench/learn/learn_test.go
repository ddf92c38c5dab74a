package main

import (
	"io"
	"math/rand/v2"
	"testing"
)

// TestQuick measures the set that is drawn, and expects of a model what the features
// surely give.
func TestQuick(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), options{cache: t.TempDir(), quick: true, workers: 2, draws: 1}, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	s := &set{classes: []string{"a", "b"}}
	for i := range 40 {
		s.items = append(s.items, item{class: i % 2, family: string(rune('A' + i/4))})
	}

	train, test := s.split(5, rand.New(rand.NewPCG(1, 1)))
	counts, families := map[int]int{}, map[string]bool{}
	for _, i := range train {
		counts[s.items[i].class]++
		families[s.items[i].family] = true
	}
	if counts[0] != 5 || counts[1] != 5 || len(test) == 0 {
		t.Errorf("%v labels, %d tested", counts, len(test))
	}
	for _, i := range test {
		if families[s.items[i].family] {
			t.Errorf("family %s stands on both sides", s.items[i].family)
		}
	}
}
