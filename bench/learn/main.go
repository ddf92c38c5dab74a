// Command learn measures what a model learns from few labels of Inlet's features, on
// sets that Debian ships: tests on pictures that it was not trained on, and prints
// the mean recall beside what issue 12 measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"inlet/imaging"
	"inlet/learn/features"
	"inlet/learn/net"
)

type options struct {
	cache, part, standard string
	quick                 bool
	workers, draws        int
}

func main() {
	var o options
	flag.StringVar(&o.cache, "cache", "../.cache/learn", "folder that keeps packages and features")
	flag.StringVar(&o.part, "set", "", "one of stamps, clipart, flowers, kinds, letters alone")
	flag.StringVar(&o.standard, "standard", "", "file for the constants of the slots, computed from all sets, instead of the table")
	flag.BoolVar(&o.quick, "quick", false, "one small set that is drawn, without downloads")
	flag.IntVar(&o.workers, "workers", 2, "pictures measured at once")
	flag.IntVar(&o.draws, "draws", 5, "random choices of labelled pictures")
	flag.Parse()
	if err := run(context.Background(), o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run measures the sets and writes the table, or the constants.
func run(ctx context.Context, o options, out io.Writer) error {
	nets, err := net.Load()
	if err != nil {
		return err
	}
	cache, err := filepath.Abs(o.cache)
	if err != nil {
		return err
	}
	m := &maker{
		dir: filepath.Join(cache, "features"), workers: o.workers,
		extractor: features.New(nets, nil), inspector: imaging.NewInspector(100e6, 1<<30),
	}

	var constants moments
	passed := true
	header(out)
	for _, b := range chosen(o) {
		s, err := b.build(packages{filepath.Join(cache, "packages")})
		if err != nil {
			fmt.Fprintf(out, "SKIPPED %s: %v\n", b.name, err)
			continue
		}
		values, err := m.all(ctx, s)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", b.name, err)
		case o.standard != "":
			constants.add(values)
			continue
		}

		means, err := s.measure(ctx, m.quantised(values), o.draws)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		passed = s.print(out, means) && passed
	}

	if o.standard != "" {
		return constants.write(o.standard)
	}
	if !passed {
		return errors.New("a set is more than 2 points below the issue's column both")
	}
	return nil
}

// chosen are the builders that the flags want.
func chosen(o options) []builder {
	if o.quick {
		return []builder{{"drawn", drawn}}
	}
	return slices.DeleteFunc(slices.Clone(builders), func(b builder) bool { return o.part != "" && o.part != b.name })
}
