package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"

	"inlet/imaging"
	"inlet/imaging/quality"
)

// measured is a version of an item with what Inspect says of it.
type measured struct {
	Kind         quality.Kind
	Family, Name string
	Held         bool // out of training
	Quality      quality.Quality
	Features     []float32
}

// measure inspects all versions of all items.
func measure(items []item) (all []measured) {
	in := imaging.NewInspector(200_000_000, 512<<20)
	work := make(chan int)
	found := make([][]measured, len(items))
	var wait sync.WaitGroup
	for range runtime.NumCPU() {
		wait.Go(func() {
			for i := range work {
				found[i] = inspect(in, items[i])
			}
		})
	}
	for i := range items {
		work <- i
	}
	close(work)
	wait.Wait()

	return slices.Concat(found...)
}

// leastScreen is the longer side of the smallest screenshot: manuals also show icons.
const leastScreen = 200

func inspect(in *imaging.Inspector, it item) (found []measured) {
	seed := uint64(hash(it.family))
	for _, v := range versions(it, rand.New(rand.NewPCG(seed, 1))) {
		format, err := imaging.Sniff(v.data[:min(len(v.data), imaging.SniffLen)])
		if err != nil {
			continue
		}
		info, err := in.Inspect(context.Background(), bytes.NewReader(v.data), int64(len(v.data)), format)
		if err != nil || !info.Quality.Measured || it.kind == quality.Screenshot && max(info.Width, info.Height) < leastScreen {
			continue
		}
		found = append(found, measured{it.kind, it.family, v.name, seed%4 == 0, info.Quality, info.Quality.Features()})
	}
	return found
}

func kindIndex(k quality.Kind) int {
	all := quality.Kinds()

	return slices.Index(all[:], k)
}

// reportKinds prints which kinds the held-out versions are taken for.
func reportKinds(model string, all []measured, kind func(measured) int) {
	var confusion [classes][classes]int
	n, right := 0, 0
	for _, m := range all {
		if !m.Held {
			continue
		}
		truth, got := kindIndex(m.Kind), kind(m)
		confusion[truth][got]++
		n++
		if truth == got {
			right++
		}
	}

	fmt.Printf("%s takes %d of %d held-out versions (%.1f%%) for what they are:\n", model, right, n, 100*float64(right)/float64(n))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\t")
	for _, k := range quality.Kinds() {
		fmt.Fprintf(w, "%s\t", k)
	}
	for i, row := range confusion {
		fmt.Fprintf(w, "\n%s\t", quality.Kinds()[i])
		for _, n := range row {
			fmt.Fprintf(w, "%d\t", n)
		}
	}
	fmt.Fprintln(w)
	w.Flush()
}

// reportFlags prints how many versions have which flags, in percent.
func reportFlags(all []measured) {
	flags := quality.Flags()[:5]
	counts := map[string]map[string]int{}
	for _, m := range all {
		name := string(m.Kind) + " " + m.Name
		if counts[name] == nil {
			counts[name] = map[string]int{}
		}
		counts[name]["all"]++
		for _, f := range m.Quality.Flags {
			counts[name][f]++
		}
	}

	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "percent flagged\tversions\t")
	for _, f := range flags {
		fmt.Fprintf(w, "%s\t", f)
	}
	for _, name := range names {
		fmt.Fprintf(w, "\n%s\t%d\t", name, counts[name]["all"])
		for _, f := range flags {
			fmt.Fprintf(w, "%.1f\t", 100*float64(counts[name][f])/float64(counts[name]["all"]))
		}
	}
	fmt.Fprintln(w)
	w.Flush()
}
