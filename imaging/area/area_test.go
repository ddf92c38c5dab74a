package area_test

import (
	"math"
	"testing"

	"inlet/imaging/area"
)

func TestShares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n      int
		extent float64
		cells  int
	}{
		{1, 1, 1}, {10, 10, 10}, {10, 10, 3}, {10, 9.125, 4}, {504, 503.25, 160}, {7, 7, 6}, {1000, 999.5, 1},
	} {
		got := make([]float64, c.cells)
		last := 0
		for i, s := range area.Shares(c.n, c.extent, c.cells) {
			if s.Cell < last || s.Cell >= c.cells || s.Here < 0 || s.There < 0 || s.There > 0 && s.Cell+1 == c.cells {
				t.Fatalf("%v: sample %d: %+v", c, i, s)
			}
			last = s.Cell
			got[s.Cell] += float64(s.Here)
			if s.There > 0 {
				got[s.Cell+1] += float64(s.There)
			}
		}
		for cell, sum := range got {
			if math.Abs(sum-1) > 1e-3 {
				t.Errorf("%v: cell %d gets %v", c, cell, sum)
			}
		}
	}
}
