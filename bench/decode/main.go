// Command decode measures, in one run and as ratios, what reading pictures
// costs: dcjpeg against the standard library, djpeg and vipsthumbnail (where
// those are installed); then whole inspections by format and size, and
// fingerprints.
//
// Times are processor time, medians of several rounds in which everything takes
// its turn. The photos are made here, or they are the JPEGs of 8 to 25 MP of a
// folder. What is not made by Go is made by jpegtran and ImageMagick.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
)

// options are the flags.
type options struct {
	dir    string
	rounds int
	quick  bool
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "folder with photos of 8 to 25 MP; without one they are made")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	flag.BoolVar(&o.quick, "quick", false, "one round of decoding one photo, to see that everything works")
	flag.Parse()
	o.rounds = max(o.rounds, 1)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	work, err := os.MkdirTemp("", "decode")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	photos, err := photosOf(ctx, o.dir)
	if err != nil {
		return err
	}
	if o.quick {
		return compareDecoders(ctx, photos[:1], work, 1)
	}
	for _, part := range []func() error{
		func() error { return compareDecoders(ctx, photos, work, o.rounds) },
		compareAllocations,
		func() error { return inspectAll(ctx, photos, o.rounds) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// table prints columns that are aligned at their right.
type table struct{ *tabwriter.Writer }

func newTable(title string, columns ...any) table {
	fmt.Printf("\n%s\n", title)
	t := table{tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)}
	t.row(columns...)
	return t
}

func (t table) row(cells ...any) {
	for _, c := range cells {
		fmt.Fprintf(t, "%v\t", c)
	}
	fmt.Fprintln(t)
}

// bar says whether a figure is within what it must be.
func bar(name string, is, most float64, unit string) {
	word := "met"
	if is > most {
		word = "MISSED"
	}
	fmt.Printf("bar %s: %s is %.2f%s, at most %.2f%s\n", word, name, is, unit, most, unit)
}
