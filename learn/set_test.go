package learn_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"inlet/learn"
	"inlet/learn/gemm"
)

// world draws pictures of classes: a class is a point in a space of a few dozen
// directions of falling strength, like the spectrum of real features, plus noise
// in every feature.
type world struct {
	rng        *rand.Rand
	dims       int
	directions [][]float32
	centres    [][]float32
	apart      float64 // distance of the classes, in deviations
}

func newWorld(seed uint64, dims, classes int, apart float64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 0)), dims: dims, apart: apart}
	for k := range 48 {
		strength := 12 / math.Sqrt(1+float64(k)/4)
		w.directions = append(w.directions, w.normal(dims, strength))
	}
	for range classes {
		w.centres = append(w.centres, w.normal(len(w.directions), apart))
	}
	return w
}

func (w *world) normal(n int, deviation float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(w.rng.NormFloat64() * deviation)
	}
	return v
}

// picture draws one of a class, or of the mean of several.
func (w *world) picture(classes ...int) []int8 {
	one := []learn.Example{{Labels: classes}}
	w.draw(one)
	return one[0].Vector
}

// draw gives the examples their vectors.
func (w *world) draw(examples []learn.Example) {
	const block = 1000
	arena := make([]int8, len(examples)*w.dims)
	for lo := 0; lo < len(examples); lo += block {
		part := examples[lo:min(lo+block, len(examples))]
		amounts := w.normal(len(part)*len(w.directions), 1)
		for i, e := range part {
			for _, c := range e.Labels {
				for k, v := range w.centres[c] {
					amounts[i*len(w.directions)+k] += v / float32(len(e.Labels))
				}
			}
		}

		sums := w.normal(len(part)*w.dims, 12)
		k := len(w.directions)
		gemm.Mul(len(part), w.dims, k, amounts, k, slices.Concat(w.directions...), w.dims, sums, w.dims, true)
		for i := range part {
			part[i].Vector = arena[(lo+i)*w.dims:][:w.dims:w.dims]
			for j, v := range sums[i*w.dims:][:w.dims] {
				part[i].Vector[j] = int8(max(min(v, 127), -127))
			}
		}
	}
}

// set draws each pictures of every class.
func (w *world) set(each int) learn.Set {
	var s learn.Set
	for c := range w.centres {
		s.Labels = append(s.Labels, fmt.Sprintf("label %02d", c))
		for range each {
			s.Examples = append(s.Examples, learn.Example{Labels: []int{c}})
		}
	}
	w.draw(s.Examples)
	w.number(s)
	return s
}

// number gives each example an id and a family of its own, in random order.
func (w *world) number(s learn.Set) {
	w.rng.Shuffle(len(s.Examples), func(i, j int) { s.Examples[i], s.Examples[j] = s.Examples[j], s.Examples[i] })
	for i := range s.Examples {
		s.Examples[i].Family = i
		s.Examples[i].ID = id(i)
	}
}

func id(i int) (id [16]byte) {
	binary.BigEndian.PutUint64(id[8:], uint64(i)*0x9e3779b97f4a7c15)
	return id
}

func train(t testing.TB, s learn.Set, o learn.Options) *learn.Model {
	t.Helper()
	m, err := learn.Train(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
