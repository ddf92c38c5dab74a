package learn

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

const (
	manyFolds  = 5      // up to fewExamples
	fewFolds   = 2      // above
	fewEnough  = 20_000 // examples for which five trainings are cheap
	wholeShare = 0.5    // a family above this share makes its fold unlike the others
)

// split assigns each example to the fold in which it is held out.
type split struct {
	folds int
	of    []int8
	note  string // what a reader of the metrics must know, "" if nothing
}

// split assigns families to folds greedily: the large ones first, each to the fold
// that has the smallest share of its labels (scikit-learn's StratifiedGroupKFold
// minimises a deviation in the same order). Without two families it splits pictures.
func (t *task) split(rng *rand.Rand) split {
	members := t.members()
	s := split{folds: manyFolds, of: make([]int8, t.n)}
	if t.n > fewEnough {
		s.folds = fewFolds
	}

	largest := 0
	for _, m := range members {
		largest = max(largest, len(m))
	}
	switch {
	case len(members) == 1:
		s.note = "all pictures are one family, so the split is by picture and the figures are too good"
		members = singles(t.n)
	case float64(largest) > wholeShare*float64(t.n):
		s.note = fmt.Sprintf("one family has %d of %d pictures, so the figures are rough", largest, t.n)
	}
	s.folds = min(s.folds, len(members))

	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	slices.SortStableFunc(members, func(a, b []int) int { return cmp.Compare(len(b), len(a)) })
	t.assign(members, s)

	if lone := t.loneLabels(s); len(lone) > 0 {
		s.note = joined(s.note, fmt.Sprintf("every picture of %s is in one family, so nothing taught that label while they were held out", quoted(lone)))
	}
	return s
}

// members lists the examples of each family.
func (t *task) members() [][]int {
	var members [][]int
	for i, f := range t.family {
		if f == len(members) {
			members = append(members, nil)
		}
		members[f] = append(members[f], i)
	}
	return members
}

func singles(n int) [][]int {
	all := make([][]int, n)
	for i := range all {
		all[i] = []int{i}
	}
	return all
}

// assign fills s.of in the order of the families.
func (t *task) assign(members [][]int, s split) {
	totals := make([]float64, len(t.labels))
	for _, target := range t.targets {
		for _, c := range target {
			totals[c]++
		}
	}

	has, size := make([][]float64, s.folds), make([]int, s.folds)
	for f := range has {
		has[f] = make([]float64, len(t.labels))
	}
	for _, m := range members {
		best, bestCost := 0, 0.0
		for f := range s.folds {
			cost := float64(size[f]) / float64(t.n)
			for _, i := range m {
				for _, c := range t.targets[i] {
					cost += has[f][c] / totals[c] * float64(s.folds)
				}
			}
			if f == 0 || cost < bestCost {
				best, bestCost = f, cost
			}
		}

		size[best] += len(m)
		for _, i := range m {
			s.of[i] = int8(best)
			for _, c := range t.targets[i] {
				has[best][c]++
			}
		}
	}
}

// loneLabels are labels whose pictures are all in one fold.
func (t *task) loneLabels(s split) []string {
	in := make([]uint32, len(t.labels))
	for i, target := range t.targets {
		for _, c := range target {
			in[c] |= 1 << s.of[i]
		}
	}

	var lone []string
	for c, set := range in {
		if set&(set-1) == 0 {
			lone = append(lone, t.labels[c])
		}
	}
	return lone
}

// quoted lists up to three labels.
func quoted(labels []string) string {
	const shown = 3
	out := fmt.Sprintf("%q", labels[0])
	for _, l := range labels[1:min(shown, len(labels))] {
		out += fmt.Sprintf(", %q", l)
	}
	if len(labels) > shown {
		out += fmt.Sprintf(" and %d more labels", len(labels)-shown)
	}
	return out
}

// rows lists the examples that are in the fold (held true) or outside it. Fold -1
// holds nothing.
func (s split) rows(fold int, held bool) []int {
	var rows []int
	for i, f := range s.of {
		if (int(f) == fold) == held {
			rows = append(rows, i)
		}
	}
	return rows
}
