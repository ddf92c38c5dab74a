package learn

import (
	"slices"
	"testing"
)

func TestResembling(t *testing.T) {
	t.Parallel()
	x, y, z := []int8{9, 1, 0}, []int8{1, 9, 0}, []int8{0, 1, 9}
	candidates := [][]int8{x, x, y, z, y, {0, 0, 0}}
	for name, c := range map[string]struct {
		groups [][][]int8
		n      int
		want   []int
	}{
		"no group":   {nil, 3, nil},
		"one group":  {[][][]int8{{y}}, 2, []int{2, 4}},
		"two groups": {[][][]int8{{z}, {x, y}}, 4, []int{3, 2, 0, 4}},
		"too many":   {[][][]int8{{x}}, 9, []int{0, 1, 2, 4, 3, 5}},
		"none":       {[][][]int8{{x}}, 0, nil},
	} {
		if got := Resembling(candidates, c.groups, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
