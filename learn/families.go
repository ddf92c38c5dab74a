package learn

import (
	"cmp"
	"slices"
	"time"
)

const (
	burstGap      = 3 * time.Second  // between the captures of one burst
	batchGap      = 30 * time.Second // between the uploads of one batch
	familyShare   = 0.2              // of the pictures; a larger family loses its batches
	labelFamilies = 3                // a label in fewer loses its batches
)

// Item is what Families reads of a labelled picture. Missing values are empty.
type Item struct {
	ID         [16]byte
	Labels     []int      // as in Example
	Near       [][16]byte // near-duplicates; those that are no item are ignored
	Camera     string
	CapturedAt time.Time
	Link       string
	Client     string
	UploadedAt time.Time
}

// Families numbers the items so that pictures of one origin have one number:
// near-duplicates, bursts (one camera, captures at most 3 s apart) and upload batches
// (one link and client, uploads less than 30 s apart).
//
// Somebody who uploads a whole set at once would make one family of it. So a batch
// counts only while its families stay below a fifth of the pictures and each of its
// labels lives in three families. split says in words what held.
func Families(items []Item) (family []int, split string) {
	base := newUnion(len(items))
	base.joinNear(items)
	base.joinBursts(items)

	// Without some batches families only shrink and labels only gain families, so
	// one look at all batches finds every one that must go.
	batches := batchesOf(items)
	all := base.clone()
	for _, b := range batches {
		all.joinAll(b)
	}
	wide := all.wide(items)
	kept := 0
	for _, b := range batches {
		if !wide[all.root(b[0])] {
			base.joinAll(b)
			kept++
		}
	}

	switch kept {
	case len(batches):
		split = "near-duplicates, bursts and upload batches"
	case 0:
		split = "near-duplicates and bursts"
	default:
		split = "near-duplicates, bursts and small upload batches"
	}
	return base.numbers(), split
}

// wide tells the families, by root, that hold too many pictures, or a label that
// lives in too few families.
func (u *union) wide(items []Item) map[int]bool {
	size, labels := map[int]int{}, map[int]map[int]bool{}
	for i, item := range items {
		root := u.root(i)
		size[root]++
		for _, l := range item.Labels {
			if labels[l] == nil {
				labels[l] = map[int]bool{}
			}
			labels[l][root] = true
		}
	}

	wide := map[int]bool{}
	for root, n := range size {
		wide[root] = float64(n) > familyShare*float64(len(items))
	}
	for _, roots := range labels {
		if len(roots) >= labelFamilies {
			continue
		}
		for root := range roots {
			wide[root] = true
		}
	}
	return wide
}

// batchesOf lists the items of each upload batch with more than one.
func batchesOf(items []Item) [][]int {
	order := sorted(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), cmp.Compare(a.Client, b.Client), a.UploadedAt.Compare(b.UploadedAt))
	})
	return runs(order, func(i, j int) bool {
		a, b := items[i], items[j]
		return a.Link == b.Link && a.Client == b.Client && !a.UploadedAt.IsZero() && b.UploadedAt.Sub(a.UploadedAt) < batchGap
	})
}

// sorted is the order of the items.
func sorted(items []Item, by func(a, b Item) int) []int {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return by(items[i], items[j]) })
	return order
}

// runs cuts the order where neighbours do not belong together, and leaves out runs
// of one.
func runs(order []int, together func(i, j int) bool) [][]int {
	var out [][]int
	from := 0
	for k := 1; k <= len(order); k++ {
		if k < len(order) && together(order[k-1], order[k]) {
			continue
		}
		if k-from > 1 {
			out = append(out, order[from:k])
		}
		from = k
	}
	return out
}

// union is a disjoint-set forest with path halving.
type union struct{ parent []int }

func newUnion(n int) *union {
	u := &union{parent: make([]int, n)}
	for i := range u.parent {
		u.parent[i] = i
	}
	return u
}

func (u *union) clone() *union { return &union{parent: slices.Clone(u.parent)} }

func (u *union) root(i int) int {
	for u.parent[i] != i {
		u.parent[i] = u.parent[u.parent[i]]
		i = u.parent[i]
	}
	return i
}

// join makes the smaller root the root of both, so that numbers do not depend on
// the order of joining.
func (u *union) join(i, j int) {
	i, j = u.root(i), u.root(j)
	u.parent[max(i, j)] = min(i, j)
}

func (u *union) joinAll(members []int) {
	for _, i := range members[1:] {
		u.join(members[0], i)
	}
}

func (u *union) joinNear(items []Item) {
	at := make(map[[16]byte]int, len(items))
	for i, item := range items {
		at[item.ID] = i
	}
	for i, item := range items {
		for _, id := range item.Near {
			if j, found := at[id]; found {
				u.join(i, j)
			}
		}
	}
}

func (u *union) joinBursts(items []Item) {
	order := sorted(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Camera, b.Camera), a.CapturedAt.Compare(b.CapturedAt))
	})
	bursts := runs(order, func(i, j int) bool {
		a, b := items[i], items[j]
		return a.Camera != "" && a.Camera == b.Camera && !a.CapturedAt.IsZero() && b.CapturedAt.Sub(a.CapturedAt) <= burstGap
	})
	for _, b := range bursts {
		u.joinAll(b)
	}
}

// numbers numbers the families from 0 in order of appearance.
func (u *union) numbers() []int {
	number, out := map[int]int{}, make([]int, len(u.parent))
	for i := range out {
		root := u.root(i)
		if _, known := number[root]; !known {
			number[root] = len(number)
		}
		out[i] = number[root]
	}
	return out
}
