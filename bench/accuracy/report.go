package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"inlet/imaging/fingerprint"
)

// enough copies make a missed bar a failure: fewer do not tell 99% from 95%.
const enough = 50

// report counts matches and prints them.
type report struct {
	judge
	out, progress io.Writer
	verbose       bool
	pairs, merged int
	failed        []string
	groups        map[string]*group
}

// group counts pairs of one kind that must not match.
type group struct {
	pairs, merged int
	nearest       verdict // of the pairs that reached the last step
	name          string  // of that pair
}

// inParallel calls do for 0 to n−1 on all processors.
func inParallel(n int, do func(i int)) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			do(i)
			return nil
		})
	}

	_ = g.Wait() // none of them fails
}

// outcome of sending a picture after another: a verdict, or an error.
type outcome struct {
	verdict
	unmade, err error // of making the picture; of judging it
}

// recall makes a copy of each photo and counts those that match.
func (r *report) recall(t transform, photos []*file, tool, keep string) {
	outcomes := make([]outcome, len(photos))
	inParallel(len(photos), func(i int) {
		o := &outcomes[i]
		var data []byte
		if data, o.unmade = t.apply(tool, photos[i].name, keep); o.unmade == nil {
			o.verdict, o.err = r.send(photos[i], t.name, data)
		}
	})

	same, all := 0, 0
	var hardest fingerprint.Finding
	for i, o := range outcomes {
		if o.unmade != nil {
			fmt.Fprintln(r.progress, o.unmade)
			continue
		}

		all++
		switch {
		case o.err != nil:
			fmt.Fprintf(r.progress, "%s of %s: %v\n", t.name, photos[i].name, o.err)
		case o.Kind == fingerprint.Match:
			same++
			if o.Of > hardest.Of {
				hardest = o.Finding
			}
		case r.verbose:
			fmt.Fprintf(r.out, "    missed: %s of %s: %s\n", t.name, filepath.Base(photos[i].name), o)
		}
	}

	if all > 0 {
		r.row(t, all, same, hardest)
	}
}

// send compares a file with a stored one.
func (r *report) send(stored *file, name string, data []byte) (verdict, error) {
	sent, err := r.load(name, data)
	if err != nil {
		return verdict{}, err
	}

	return r.compare(stored, sent)
}

// row prints the recall of a transform.
func (r *report) row(t transform, all, same int, hardest fingerprint.Finding) {
	part := float64(same) / float64(all)
	mark := "ok"
	if part < t.bar {
		mark = "BELOW"
		if all >= enough {
			r.failed = append(r.failed, fmt.Sprintf("recall of %s", t.name))
		}
	}

	fmt.Fprintf(r.out, "%-18s %5d %5d  %6.1f%%  %3.0f%%  %-5s  %.2f %s\n", t.name, all, same, 100*part, 100*t.bar, mark, hardest.Of, hardest.What)
}

func (v verdict) String() string { return fmt.Sprintf("%v, %d bits apart", v.Finding, v.distance) }

// distinct compares all photos with each other, except copies by their names.
func (r *report) distinct(photos []*file) {
	for i, a := range photos {
		for _, b := range photos[:i] {
			if stem(a.name) != stem(b.name) {
				r.mustDiffer("two photos", filepath.Base(a.name)+" and "+filepath.Base(b.name), a, b)
			}
		}
	}
}

// never compares a pair, the second picture in several forms.
func (r *report) never(p pair) {
	a, err := r.load(p.name, asJPEG(p.a, 95, 1))
	if err != nil {
		fmt.Fprintln(r.progress, err)
		return
	}

	sent := forms()
	outcomes := make([]outcome, len(sent))
	inParallel(len(sent), func(i int) {
		outcomes[i].verdict, outcomes[i].err = r.send(a, p.name, asJPEG(p.b, sent[i].quality, sent[i].part))
	})

	for i, f := range sent {
		r.differ(p.kind, fmt.Sprintf("%s, sent as %g%% q%d", p.name, 100*f.part, f.quality), outcomes[i])
	}
}

func (r *report) mustDiffer(kind, name string, a, b *file) {
	v, err := r.compare(a, b)
	r.differ(kind, name, outcome{verdict: v, err: err})
}

// differ counts the outcome of a pair.
func (r *report) differ(kind, name string, v outcome) {
	if v.err != nil {
		fmt.Fprintf(r.progress, "%s: %v\n", name, v.err)
	}
	if r.pairs++; r.pairs%250 == 0 {
		fmt.Fprintf(r.progress, "%d pairs, %d merged\n", r.pairs, r.merged)
	}

	g := r.groups[kind]
	if g == nil {
		g = &group{}
		r.groups[kind] = g
	}

	g.pairs++
	if v.Kind == fingerprint.Match {
		r.merged++
		g.merged++
		fmt.Fprintf(r.out, "    FALSE MERGE: %s: %s: %s\n", kind, name, v)
	}

	if v.Of > 0 && (g.name == "" || v.Of < g.nearest.Of) {
		g.nearest, g.name = v.verdict, name
	}
}

// merges prints the counts of all pairs.
func (r *report) merges() {
	fmt.Fprintf(r.out, "\n%-36s %5s %6s  nearest to a merge, in parts of the limit\n", "must not be merged", "pairs", "merged")
	kinds := make([]string, 0, len(r.groups))
	for k := range r.groups {
		kinds = append(kinds, k)
	}

	slices.SortFunc(kinds, cmp.Compare[string])
	for _, k := range kinds {
		g := r.groups[k]
		near := "no pair reached the pictures"
		if g.name != "" {
			near = fmt.Sprintf("%.2f %s: %s", g.nearest.Of, g.nearest.What, g.name)
		}

		fmt.Fprintf(r.out, "%-36s %5d %6d  %s\n", k, g.pairs, g.merged, near)
	}

	fmt.Fprintf(r.out, "%d false merges of %d pairs\n", r.merged, r.pairs)
	if r.merged > 0 {
		r.failed = append(r.failed, fmt.Sprintf("%d false merges", r.merged))
	}
}

// err lists the failures.
func (r *report) err() error {
	if len(r.failed) == 0 {
		return nil
	}

	return fmt.Errorf("failed: %s", strings.Join(r.failed, ", "))
}
