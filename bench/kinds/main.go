// Kinds measures imaging/quality on pictures of Debian's packages, and makes the
// constants of its model of kinds.
//
//	for p in …; do apt-get download $p && dpkg -x $p*.deb sets/$p; done
//	go run ./kinds -sets sets            # what the model and the flags are worth
//	go run ./kinds -sets sets -train ../imaging/quality/model.go
package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"

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

func main() {
	root := flag.String("sets", "", "folder of unpacked packages")
	train := flag.String("train", "", "file for the constants of a new model")
	cache := flag.String("cache", "", "file")
	flag.Parse()
	if err := run(*root, *train, *cache); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root, train, cache string) error {
	var all []measured
	if b, err := os.ReadFile(cache); err == nil {
		if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&all); err != nil {
			return err
		}
	} else {
		items, err := collect(root)
		if err != nil {
			return err
		}
		if os.Getenv("PHOTOS") != "" {
			items = slices.DeleteFunc(items, func(it item) bool { return it.kind != quality.Photo || hash(it.family)%3 == 0 })
		}
		all = measure(items)
		if cache != "" {
			var b bytes.Buffer
			if err := gob.NewEncoder(&b).Encode(all); err != nil {
				return err
			}
			os.WriteFile(cache, b.Bytes(), 0o600)
		}
	}
	if train != "" {
		var learnt, held []measured
		for _, m := range all {
			if m.Held {
				held = append(held, m)
			} else {
				learnt = append(learnt, m)
			}
		}
		n := learn(learnt)
		for i, set := range [][]measured{learnt, held} {
			conf := map[quality.Kind]*[classes]int{}
			byVersion := map[string][2]int{}
			for j, e := range n.standardise(set) {
				var h [hidden]float64
				p := n.scores(e.x, &h)
				best := 0
				for k := range p {
					if p[k] > p[best] {
						best = k
					}
				}
				m := set[j]
				if conf[m.Kind] == nil {
					conf[m.Kind] = &[classes]int{}
				}
				conf[m.Kind][best]++
				v := byVersion[string(m.Kind)+" "+m.Name]
				v[0]++
				if best == e.kind {
					v[1]++
				}
				byVersion[string(m.Kind)+" "+m.Name] = v
			}
			fmt.Println(i)
			for _, k := range quality.Kinds {
				fmt.Println(k, conf[k])
			}
			for k, v := range byVersion {
				fmt.Printf("  %s %d/%d\n", k, v[1], v[0])
			}
		}
		return n.write(train)
	}
	for _, m := range all {
		q := m.Quality
		fmt.Printf("%-10s %-12s S %.2f E %.2f C %.2f cl %.2f co %.2f fl %.2f  %-10s %v %.30s\n", m.Kind, m.Name, q.Sharpness, q.Exposure, q.Contrast, q.Clipped, q.Colourfulness, q.Flat, q.Kind, q.Flags, m.Family)
	}
	return nil
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
				it := items[i]
				seed := uint64(hash(it.family))
				for _, v := range versions(it, rand.New(rand.NewPCG(seed, 1))) {
					format, err := imaging.Sniff(v.data[:min(len(v.data), imaging.SniffLen)])
					if err != nil {
						continue
					}
					info, err := in.Inspect(context.Background(), bytes.NewReader(v.data), int64(len(v.data)), format)
					if err != nil || !info.Quality.Measured {
						continue
					}
					found[i] = append(found[i], measured{it.kind, it.family, v.name, seed%4 == 0, info.Quality, info.Quality.Features()})
				}
			}
		})
	}
	for i := range items {
		work <- i
	}
	close(work)
	wait.Wait()
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}
