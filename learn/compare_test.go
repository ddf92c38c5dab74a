package learn_test

import (
	"slices"
	"strings"
	"testing"

	"inlet/learn"
)

// TestCompareShuffled trains on labels that say nothing about the pictures. The bar
// is one promotion in 50; there is none.
func TestCompareShuffled(t *testing.T) {
	t.Parallel()
	shapes := []struct {
		name   string
		counts []int
	}{
		{"two of eight", []int{8, 8}},
		{"four of ten", []int{10, 10, 10, 10}},
		{"imbalanced", []int{90, 20, 10}},
		{"four of fifty", []int{50, 50, 50, 50}},
		{"twelve of ten", []int{10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10}},
	}
	promoted := 0
	for round := range shuffledSets {
		shape := shapes[round%len(shapes)]
		w := newWorld(uint64(round), 300, len(shape.counts), 0.5)
		s := w.set(0)
		for c, n := range shape.counts {
			for range n {
				s.Examples = append(s.Examples, learn.Example{Labels: []int{c}})
			}
		}
		w.draw(s.Examples)
		w.rng.Shuffle(len(s.Examples), func(i, j int) {
			s.Examples[i].Labels, s.Examples[j].Labels = s.Examples[j].Labels, s.Examples[i].Labels
		})
		w.number(s)

		m := train(t, s, learn.Options{Seed: uint64(round)})
		if v := learn.Compare(m, nil, s, 1); v.Promote {
			promoted++
			t.Logf("%s: %s", shape.name, v.Reason)
		}
	}
	if promoted*50 > shuffledSets {
		t.Errorf("%d of %d models of shuffled labels were promoted", promoted, shuffledSets)
	}
}

const shuffledSets = 50

// TestComparePromotes covers each verdict.
func TestComparePromotes(t *testing.T) {
	t.Parallel()
	w := newWorld(7, 400, 4, 0.6)
	s := w.set(60)
	part := learn.Set{Labels: s.Labels}
	for _, e := range s.Examples {
		if e.Labels[0] != 3 {
			part.Examples = append(part.Examples, e)
		}
	}
	few := learn.Set{Labels: s.Labels, Examples: s.Examples[:48]}

	good := train(t, s, learn.Options{Seed: 1})
	poor := train(t, few, learn.Options{Seed: 1, MinImages: 2})
	for _, c := range []struct {
		name               string
		candidate, serving *learn.Model
		promote            bool
		reason             string
	}{
		{"first", good, nil, true, "no serving model"},
		{"more pictures", good, poor, true, "by more than chance"},
		{"same", good, good, false, "may be chance"},
		{"other seed", train(t, s, learn.Options{Seed: 2}), good, false, "chance"},
		{"fewer pictures", poor, good, false, ""},
		{"new label", good, train(t, part, learn.Options{Seed: 1}), true, "by more than chance"},
		{"other features", good, train(t, newWorld(7, 300, 4, 0.6).set(10), learn.Options{}), true, "other features"},
	} {
		v := learn.Compare(c.candidate, c.serving, s, 1)
		if v.Promote != c.promote || !strings.Contains(v.Reason, c.reason) {
			t.Errorf("%s: promote %v, %s", c.name, v.Promote, v.Reason)
		}
		if again := learn.Compare(c.candidate, c.serving, s, 1); again != v {
			t.Errorf("%s: the same seed gives %v and %v", c.name, v, again)
		}
	}

	if v := learn.Compare(good, nil, learn.Set{}, 1); v.Promote || v.Reason == "" {
		t.Errorf("no pictures: %v", v)
	}
}

// TestCompareFamilies has a serving model that saw a near-duplicate of each picture.
// Its final weights know the pictures by heart, and must not answer for them.
func TestCompareFamilies(t *testing.T) {
	t.Parallel()
	w := newWorld(14, 400, 4, 0.25)
	s := w.set(40)
	serving := train(t, s, learn.Options{Seed: 1})
	twins := learn.Set{Labels: s.Labels}
	for i, e := range s.Examples {
		e.ID = id(10_000 + i)
		twins.Examples = append(twins.Examples, e)
	}
	both := learn.Set{Labels: s.Labels, Examples: slices.Concat(s.Examples, twins.Examples)}
	candidate := train(t, both, learn.Options{Seed: 1})

	v := learn.Compare(candidate, serving, both, 1)
	if strings.Contains(v.Reason, "less often") || strings.Contains(v.Reason, "worse") {
		t.Error(v.Reason)
	}
}
