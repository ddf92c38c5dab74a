package learn_test

import (
	"slices"
	"testing"
	"time"

	"inlet/learn"
)

func TestFamilies(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return day.Add(time.Duration(seconds * float64(time.Second))) }
	// apart are items of no common origin, so that a family of a few is small.
	apart := func(first learn.Item, rest ...learn.Item) []learn.Item {
		items := append([]learn.Item{first}, rest...)
		for len(items) < 40 {
			items = append(items, learn.Item{Labels: []int{len(items) % 2}, UploadedAt: at(1e4 * float64(len(items)))})
		}
		for i := range items {
			items[i].ID = id(i)
		}
		return items
	}
	const batches, bursts = "near-duplicates, bursts and upload batches", "near-duplicates and bursts"

	for _, c := range []struct {
		name   string
		items  []learn.Item
		family []int // of the first items
		split  string
	}{
		{"nothing", nil, nil, batches},
		{
			"near-duplicates chain",
			apart(learn.Item{Near: [][16]byte{id(1)}}, learn.Item{}, learn.Item{Near: [][16]byte{id(1), id(999)}}, learn.Item{}),
			[]int{0, 0, 0, 1},
			batches,
		},
		{
			"bursts",
			apart(learn.Item{Camera: "x", CapturedAt: at(6)}, learn.Item{Camera: "x", CapturedAt: at(0)}, learn.Item{Camera: "x", CapturedAt: at(3)},
				learn.Item{Camera: "y", CapturedAt: at(3)}, learn.Item{Camera: "x", CapturedAt: at(9.1)}, learn.Item{CapturedAt: at(3)}),
			[]int{0, 0, 0, 1, 2, 3},
			batches,
		},
		{
			"a batch",
			apart(learn.Item{Link: "l", Client: "a", UploadedAt: at(0)}, learn.Item{Link: "l", Client: "a", UploadedAt: at(29)},
				learn.Item{Link: "l", Client: "a", UploadedAt: at(59)}, learn.Item{Link: "l", Client: "b", UploadedAt: at(0)}, learn.Item{Link: "m", Client: "a", UploadedAt: at(0)}),
			[]int{0, 0, 1, 2, 3},
			batches,
		},
		{
			"a label in two batches",
			apart(learn.Item{Labels: []int{7}, Link: "l", UploadedAt: at(0)}, learn.Item{Labels: []int{7}, Link: "l", UploadedAt: at(1)},
				learn.Item{Labels: []int{7}, Link: "l", UploadedAt: at(100)}, learn.Item{Labels: []int{7}, Link: "l", UploadedAt: at(101)}),
			[]int{0, 1, 2, 3},
			bursts,
		},
		{
			"that, and another batch",
			apart(learn.Item{Labels: []int{7}, Link: "l", UploadedAt: at(0)}, learn.Item{Labels: []int{7}, Link: "l", UploadedAt: at(1)},
				learn.Item{Labels: []int{1}, Link: "m", UploadedAt: at(100)}, learn.Item{Labels: []int{1}, Link: "m", UploadedAt: at(101)}),
			[]int{0, 1, 2, 2},
			"near-duplicates, bursts and small upload batches",
		},
	} {
		family, split := learn.Families(c.items)
		if !slices.Equal(family[:len(c.family)], c.family) || split != c.split {
			t.Errorf("%s: %v by %s", c.name, family[:len(c.family)], split)
		}
	}

	// The whole set in one batch, with two near-duplicates.
	var whole []learn.Item
	for i := range 100 {
		whole = append(whole, learn.Item{ID: id(i), Labels: []int{i % 4}, Link: "l", Client: "a", UploadedAt: at(float64(i))})
	}
	whole[5].Near = [][16]byte{id(9)}
	family, split := learn.Families(whole)
	if split != bursts || family[5] != family[9] || slices.Max(family) != 98 {
		t.Errorf("one batch: %d families by %s", slices.Max(family)+1, split)
	}
}
