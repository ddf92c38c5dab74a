// Kinds measures imaging/quality on pictures of Debian's packages, and makes the
// constants of its model of kinds. A quarter of the pictures is held out of
// training. From the folder bench, with pdftoppm installed:
//
//	for p in gcompris-qt-data mate-backgrounds lomiri-wallpapers-16.04 …; do
//		apt-get download $p && dpkg -x ${p}_*.deb sets/$p; done # the packages of sets.go
//	go run ./kinds -sets sets -train ../imaging/quality/model.go
//	go run ./kinds -sets sets
package main

import (
	"bytes"
	"encoding/gob"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
)

func main() {
	root := flag.String("sets", "", "`folder` of unpacked packages")
	train := flag.String("train", "", "`file` for the constants of a new model")
	cache := flag.String("cache", "", "`file` that keeps the measurements for the next run; without the new model's kinds")
	flag.Parse()
	if err := run(*root, *train, *cache); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root, train, cache string) error {
	all, err := cached(cache)
	if errors.Is(err, fs.ErrNotExist) {
		all, err = fresh(root, cache)
	}
	if err != nil {
		return err
	}
	if train == "" {
		reportKinds("the built-in model", all, func(m measured) int { return kindIndex(m.Quality.Kind) })
		reportFlags(all)
		return nil
	}

	var learnt []measured
	for _, m := range all {
		if !m.Held {
			learnt = append(learnt, m)
		}
	}
	n := learn(learnt)
	reportKinds("the new model", all, n.kind)
	return n.write(train)
}

func cached(name string) (all []measured, err error) {
	if name == "" {
		return nil, fs.ErrNotExist
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return all, gob.NewDecoder(bytes.NewReader(b)).Decode(&all)
}

// fresh measures the sets and writes the cache.
func fresh(root, cache string) ([]measured, error) {
	items, err := collect(root)
	if err != nil {
		return nil, err
	}
	all := measure(items)
	if cache == "" {
		return all, nil
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(all); err != nil {
		return nil, err
	}
	return all, os.WriteFile(cache, b.Bytes(), 0o600)
}
