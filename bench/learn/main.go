// Command learn measures what a model learns from few labels of Inlet's features, on
// sets that Debian ships: tests on pictures that it was not trained on, and prints
// the mean recall beside what issue 12 measured.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"inlet/imaging"
	"inlet/learn/features"
	"inlet/learn/net"
)

type options struct {
	cache, part, dump string
	workers, draws    int
}

func main() {
	var o options
	flag.StringVar(&o.cache, "cache", "../.cache/learn", "folder that keeps packages and features")
	flag.StringVar(&o.part, "set", "", "one of stamps, clipart, flowers, kinds, letters alone")
	flag.StringVar(&o.dump, "dump", "", "folder for the values of each set, for other programs")
	flag.IntVar(&o.workers, "workers", 2, "pictures measured at once")
	flag.IntVar(&o.draws, "draws", 5, "random choices of labelled pictures")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	cache, err := filepath.Abs(o.cache)
	if err != nil {
		return err
	}
	nets, err := net.Load()
	if err != nil {
		return err
	}
	m := &maker{
		dir: filepath.Join(cache, "features"), workers: o.workers,
		extractor: features.New(nets), inspector: imaging.NewInspector(100e6, 1<<30),
	}

	for _, b := range builders {
		if o.part != "" && o.part != b.name {
			continue
		}
		s, err := b.build(packages{filepath.Join(cache, "packages")})
		if err != nil {
			fmt.Printf("SKIPPED %s: %v\n", b.name, err)
			continue
		}
		values, err := m.all(ctx, s.items, func(done int) {
			if done%200 == 0 {
				fmt.Fprintf(os.Stderr, "\r%s: %d of %d pictures", b.name, done, len(s.items))
			}
		})
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return err
		}
		if o.dump != "" {
			if err := dump(o.dump, b.name, s, values); err != nil {
				return err
			}
		}
	}
	return nil
}

func dump(dir, name string, s *set, values [][]float32) error {
	f, err := os.Create(filepath.Join(dir, name+".f32"))
	if err != nil {
		return err
	}
	defer f.Close()
	l, err := os.Create(filepath.Join(dir, name+".txt"))
	if err != nil {
		return err
	}
	defer l.Close()
	for i, v := range values {
		if v == nil {
			continue
		}
		if err := binary.Write(f, binary.LittleEndian, v); err != nil {
			return err
		}
		fmt.Fprintln(l, s.items[i].class, s.items[i].test, s.items[i].family)
	}
	return nil
}
