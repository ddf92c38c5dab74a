package learn

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// DefaultMinImages is how many pictures a label needs to be learnt.
	DefaultMinImages = 8

	// MaxLabels bounds the labels of a model. Train takes the commonest.
	MaxLabels = 512

	// MaxDims bounds the width of a vector.
	MaxDims = 1 << 16

	maxLeftOut = 100 // labels that Metrics.LeftOut lists
)

// ErrTooFew means that fewer than two labels have enough pictures. The message
// says what is missing.
var ErrTooFew = errors.New("too few labelled pictures")

// Example is a labelled picture.
type Example struct {
	ID     [16]byte
	Family int    // examples of one family never stand on both sides of a split
	Labels []int  // indices into Set.Labels, at least one
	Vector []int8 // the same width in every example
}

// Set is what a model learns from. Train neither changes nor keeps it.
type Set struct {
	Labels   []string
	Examples []Example
}

// Options of Train. The zero value is good.
type Options struct {
	Seed      uint64
	MinImages int                              // of a label, DefaultMinImages if 0
	Split     string                           // what the families are, in the words of Families; Metrics.Split starts with it
	Progress  func(stage string, done float64) // done is 0 to 1 over all stages; called from one goroutine at a time
}

// task is a Set without what cannot be learnt: examples by id, labels by name.
// Its order, and so the model, does not depend on the order of the Set.
type task struct {
	labels  []string
	leftOut []LabelCount
	several bool // a sigmoid for each label, else one softmax
	dims    int
	ids     [][16]byte
	vectors [][]int8
	targets [][]int32 // indices into labels, sorted; empty only if several
	family  []int     // numbered from 0 in order of appearance
	n       int
}

// newTask checks the set and leaves out labels with too few pictures.
func newTask(s Set, minImages int) (*task, error) {
	if minImages <= 0 {
		minImages = DefaultMinImages
	}
	order, err := check(s)
	if err != nil {
		return nil, err
	}

	t := &task{several: several(s)}
	index, err := t.chooseLabels(s, max(minImages, 2))
	if err != nil {
		return nil, err
	}

	families := map[int]int{}
	for _, i := range order {
		e := s.Examples[i]
		var target []int32
		for _, l := range e.Labels {
			if at := index[l]; at >= 0 {
				target = append(target, at)
			}
		}
		// With a sigmoid for each label, a picture of other labels is a negative.
		if len(target) == 0 && !t.several {
			continue
		}
		slices.Sort(target)

		family, known := families[e.Family]
		if !known {
			family = len(families)
			families[e.Family] = family
		}
		t.ids = append(t.ids, e.ID)
		t.vectors = append(t.vectors, e.Vector)
		t.targets = append(t.targets, slices.Compact(target))
		t.family = append(t.family, family)
	}
	t.n, t.dims = len(t.ids), len(t.vectors[0])
	return t, nil
}

// check returns the examples' order by id.
func check(s Set) ([]int, error) {
	order := make([]int, len(s.Examples))
	for i, e := range s.Examples {
		order[i] = i
		if len(e.Vector) == 0 || len(e.Vector) > MaxDims || len(e.Vector) != len(s.Examples[0].Vector) {
			return nil, fmt.Errorf("example %x has %d features, the first has %d", e.ID, len(e.Vector), len(s.Examples[0].Vector))
		}
		if len(e.Labels) == 0 {
			return nil, fmt.Errorf("example %x has no label", e.ID)
		}
		for _, l := range e.Labels {
			if l < 0 || l >= len(s.Labels) {
				return nil, fmt.Errorf("example %x has label %d of %d", e.ID, l, len(s.Labels))
			}
		}
	}

	slices.SortFunc(order, func(a, b int) int {
		return bytes.Compare(s.Examples[a].ID[:], s.Examples[b].ID[:])
	})
	for k := 1; k < len(order); k++ {
		if id := s.Examples[order[k]].ID; id == s.Examples[order[k-1]].ID {
			return nil, fmt.Errorf("example %x stands twice", id)
		}
	}
	return order, nil
}

// several reports whether more than a few pictures bear several labels: more than
// two, and more than one in fifty.
func several(s Set) bool {
	many := 0
	for _, e := range s.Examples {
		if len(e.Labels) > 1 {
			many++
		}
	}
	return many > max(2, len(s.Examples)/50)
}

// chooseLabels maps an index into s.Labels to one into t.labels, or to -1.
func (t *task) chooseLabels(s Set, minImages int) ([]int32, error) {
	counts := make([]LabelCount, len(s.Labels))
	for i, label := range s.Labels {
		counts[i] = LabelCount{Label: label}
	}
	for _, e := range s.Examples {
		for _, l := range e.Labels {
			counts[l].Images++
		}
	}

	common := func(a, b LabelCount) int {
		return cmp.Or(cmp.Compare(b.Images, a.Images), strings.Compare(a.Label, b.Label))
	}
	byCount := slices.SortedFunc(slices.Values(counts), common)
	enough := 0
	for enough < min(len(byCount), MaxLabels) && byCount[enough].Images >= minImages {
		enough++
	}
	if enough < 2 {
		return nil, tooFew(byCount, minImages)
	}

	for _, c := range byCount[:enough] {
		t.labels = append(t.labels, c.Label)
	}
	t.leftOut = slices.Clone(byCount[enough:min(len(byCount), enough+maxLeftOut)])
	slices.Sort(t.labels)

	index := make([]int32, len(s.Labels))
	for i, label := range s.Labels {
		at, found := slices.BinarySearch(t.labels, label)
		index[i] = int32(at)
		if !found {
			index[i] = -1
		}
	}
	return index, nil
}

// tooFew names the two commonest labels and what they lack.
func tooFew(byCount []LabelCount, minImages int) error {
	var have []string
	for _, c := range byCount[:min(2, len(byCount))] {
		have = append(have, fmt.Sprintf("%q has %d", c.Label, c.Images))
	}
	if len(have) == 0 {
		have = []string{"there is no label"}
	}
	return fmt.Errorf("%w: two labels need %d pictures each, %s", ErrTooFew, minImages, strings.Join(have, ", "))
}
