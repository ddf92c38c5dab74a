package learn_test

import (
	"strings"
	"testing"

	"inlet/learn"
)

func TestFoldsKeepFamilies(t *testing.T) {
	t.Parallel()
	for _, each := range []int{30, 6700} {
		w := newWorld(9, 8, 3, 1)
		s := w.set(each)
		for i := range s.Examples {
			s.Examples[i].Family = w.rng.IntN(len(s.Examples) / 4)
		}
		m := train(t, s, learn.Options{Seed: 1})

		folds, counts := map[int]int{}, map[[2]int]int{}
		for _, e := range s.Examples {
			fold := m.Fold(e.ID)
			if other, known := folds[e.Family]; known && other != fold {
				t.Fatalf("family %d is in folds %d and %d", e.Family, other, fold)
			}
			folds[e.Family] = fold
			counts[[2]int{e.Labels[0], fold}]++
		}
		for k, n := range counts {
			even := float64(each) / float64(m.Metrics().Folds)
			if float64(n) < 0.6*even || float64(n) > 1.4*even {
				t.Errorf("fold %d has %d pictures of label %d, an even share is %.0f", k[1], n, k[0], even)
			}
		}
		if m.Fold([16]byte{1, 2, 3}) != -1 {
			t.Error("a picture that the model never saw has a fold")
		}
	}
}

// TestFoldsExclude has pictures that nothing but themselves teaches: each has a
// feature of its own, and labels by chance. The final weights learn them by heart;
// the weights of their fold must know nothing.
func TestFoldsExclude(t *testing.T) {
	t.Parallel()
	s := learn.Set{Labels: []string{"a", "b"}}
	for i := range 200 {
		v := make([]int8, 200)
		v[i] = 127
		s.Examples = append(s.Examples, learn.Example{ID: id(i), Family: i, Labels: []int{i / 3 % 2}, Vector: v})
	}
	m := train(t, s, learn.Options{Seed: 1})
	known, guessed := 0, 0
	for _, e := range s.Examples {
		if m.Predict(e.Vector, -1)[0].Label == s.Labels[e.Labels[0]] {
			known++
		}
		if m.Predict(e.Vector, m.Fold(e.ID))[0].Label == s.Labels[e.Labels[0]] {
			guessed++
		}
	}
	if known < 190 || guessed > 120 {
		t.Errorf("of 200 pictures the final weights know %d, those of the folds %d", known, guessed)
	}
}

// TestFoldsNote covers sets whose split is worth a word.
func TestFoldsNote(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		family func(i int, e learn.Example) int
		note   string
	}{
		{"usual", func(i int, _ learn.Example) int { return i }, "words"},
		{"one family", func(int, learn.Example) int { return 7 }, "words; all pictures are one family"},
		{"a large one", func(i int, _ learn.Example) int { return max(i, 40) }, "words; one family has 41 of 60 pictures"},
		{"a label in one", func(i int, e learn.Example) int {
			if e.Labels[0] == 1 {
				return 1000
			}
			return i
		}, `words; every picture of "label 01" is in one family`},
		{"two families", func(i int, _ learn.Example) int { return i % 2 }, "words"},
	} {
		s := newWorld(10, 50, 3, 1).set(20)
		for i, e := range s.Examples {
			s.Examples[i].Family = c.family(i, e)
		}
		m := train(t, s, learn.Options{Seed: 1, Split: "words"})
		got := m.Metrics().Split
		if !strings.HasPrefix(got, c.note) || c.note == "words" && got != "words" {
			t.Errorf("%s: %s", c.name, got)
		}
		if m.Metrics().HeldOut != 60 {
			t.Errorf("%s: %d pictures were held out", c.name, m.Metrics().HeldOut)
		}
		learn.Compare(m, nil, s, 1)
	}
}
