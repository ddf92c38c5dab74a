package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"inlet/learn"
	"inlet/learn/features"
)

// columns are the parts of a vector; each trains a model of its own.
var columns = [3]struct {
	name     string
	from, to int
}{
	{"by hand", 0, features.HandDims},
	{"nets", features.HandDims, features.HandDims + features.NetDims},
	{"both", 0, features.HandDims + features.NetDims},
}

// split chooses k pictures of each class to train on, or most of a smaller class. It
// tests on the others, except those of a family that it trains on.
func (s *set) split(k int, r *rand.Rand) (train, test []int) {
	byClass := make([]map[string][]int, len(s.classes))
	for i, it := range s.items {
		if it.test {
			continue
		}
		if byClass[it.class] == nil {
			byClass[it.class] = map[string][]int{}
		}
		byClass[it.class][it.family] = append(byClass[it.class][it.family], i)
	}

	fixed := s.hasTests()
	used := map[string]bool{}
	for _, families := range byClass {
		for _, i := range choose(families, k, fixed, r) {
			train = append(train, i)
			used[s.items[i].family] = true
		}
	}
	for i, it := range s.items {
		if it.test || !fixed && !used[it.family] {
			test = append(test, i)
		}
	}

	return train, test
}

func (s *set) hasTests() bool {
	for _, it := range s.items {
		if it.test {
			return true
		}
	}
	return false
}

// choose takes k pictures of a class. It leaves a quarter of the families for the
// test, unless all of them are there to train on.
func choose(families map[string][]int, k int, all bool, r *rand.Rand) []int {
	names := sortedKeys(families)
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	if !all {
		names = names[:max(1, len(names)*3/4)]
	}

	var pool []int
	for _, name := range names {
		pool = append(pool, families[name]...)
	}
	r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	return pool[:min(k, len(pool))]
}

// recall trains on some pictures and tells the mean over the classes of the share of
// tested pictures that the model gets right, in percent.
func (s *set) recall(ctx context.Context, vectors [][]int8, train, test []int, from, to int) (float64, error) {
	known := learn.Set{Labels: s.classes}
	for n, i := range train {
		e := learn.Example{Family: n, Labels: []int{s.items[i].class}, Vector: vectors[i][from:to]}
		binary.BigEndian.PutUint64(e.ID[:], uint64(n))
		known.Examples = append(known.Examples, e)
	}
	model, err := learn.Train(ctx, known, learn.Options{MinImages: 2})
	if err != nil {
		return 0, err
	}

	right, of := make([]float64, len(s.classes)), make([]float64, len(s.classes))
	for _, i := range test {
		class := s.items[i].class
		of[class]++
		if p := model.Predict(vectors[i][from:to], -1); len(p) > 0 && p[0].Label == s.classes[class] {
			right[class]++
		}
	}

	sum := 0.0
	for class := range of {
		if of[class] == 0 {
			return 0, errors.New("nothing to test of " + s.classes[class])
		}
		sum += right[class] / of[class]
	}
	return 100 * sum / float64(len(of)), nil
}

// measure is the mean recall over several draws, for each number of labels and each
// column.
func (s *set) measure(ctx context.Context, vectors [][]int8, draws int) ([][3]float64, error) {
	means := make([][3]float64, len(s.steps))
	for step, k := range s.steps {
		for draw := range draws {
			fmt.Fprintf(os.Stderr, "\r\x1b[K%s: %d labels a class, draw %d of %d", s.name, k, draw+1, draws)
			train, test := s.split(k, rand.New(rand.NewPCG(uint64(k), uint64(draw))))
			for c, column := range columns {
				recall, err := s.recall(ctx, vectors, train, test, column.from, min(column.to, len(vectors[0])))
				if err != nil {
					return nil, err
				}
				means[step][c] += recall / float64(draws)
			}
		}
	}
	fmt.Fprint(os.Stderr, "\r\x1b[K")
	return means, nil
}
