package learn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"inlet/learn"
)

// right is the share of fresh pictures, 20 a class, that the model recognises.
func right(w *world, m *learn.Model, labels []string) float64 {
	hits, all := 0, 0
	for c, label := range labels {
		for range 20 {
			all++
			if m.Predict(w.picture(c), -1)[0].Label == label {
				hits++
			}
		}
	}
	return float64(hits) / float64(all)
}

func TestTrainSeparates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		dims, classes int
		each          int
		apart, least  float64
	}{
		{"two of eight", 300, 2, 8, 1.5, 0.9},
		{"many features", width, 4, 20, 1, 0.9},
		{"one feature", 1, 2, 50, 3, 0.6},
		{"twenty labels", 300, 20, 20, 1, 0.9},
		{"by mini-batches", 100, 4, 760, 1, 0.9},
		{"in two folds", 20, 3, 6700, 1.5, 0.9},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(3, c.dims, c.classes, c.apart)
			s := w.set(c.each)
			m := train(t, s, learn.Options{Seed: 1})

			metrics := m.Metrics()
			if metrics.Accuracy < c.least || metrics.HeldOut != len(s.Examples) || metrics.Mode != "single" {
				t.Errorf("metrics: %.3f right of %d, mode %s", metrics.Accuracy, metrics.HeldOut, metrics.Mode)
			}
			if fresh := right(w, m, s.Labels); fresh < c.least-0.02 {
				t.Errorf("%.3f of fresh pictures are right", fresh)
			}
			if metrics.ECE > 0.1 {
				t.Errorf("calibration error %.3f", metrics.ECE)
			}
			if n := len(metrics.Curve); n == 0 || metrics.Curve[n-1].Accuracy != metrics.Accuracy {
				t.Errorf("curve %v", metrics.Curve)
			}
			total := 0
			for _, row := range metrics.Confusion {
				for _, n := range row {
					total += n
				}
			}
			if total != metrics.HeldOut {
				t.Errorf("the confusion matrix has %d of %d pictures", total, metrics.HeldOut)
			}
		})
	}
}

func TestTrainSeveral(t *testing.T) {
	t.Parallel()
	for _, each := range []int{40, 620} {
		t.Run(fmt.Sprint(each), func(t *testing.T) {
			t.Parallel()
			w := newWorld(4, 200, 5, 2)
			s := w.set(each)
			for i := range s.Examples {
				if i%3 == 0 {
					s.Examples[i].Labels = []int{i % 5, (i + 1) % 5}
					slices.Sort(s.Examples[i].Labels)
				}
			}
			w.draw(s.Examples)

			m := train(t, s, learn.Options{Seed: 1})
			if got := m.Metrics(); got.Mode != "several" || got.MacroF1 < 0.85 || got.ECE > 0.05 {
				t.Errorf("mode %s, F1 %.3f, ECE %.3f", got.Mode, got.MacroF1, got.ECE)
			}
			p := m.Predict(w.picture(1, 2), -1)
			both := []string{p[0].Label, p[1].Label}
			slices.Sort(both)
			if !slices.Equal(both, s.Labels[1:3]) || p[1].Probability < 0.3 {
				t.Errorf("a picture of labels 1 and 2: %v", p)
			}
			if v := learn.Compare(m, nil, s, 1); !v.Promote {
				t.Error(v.Reason)
			}
		})
	}
}

// TestTrainTooFew covers sets that teach nothing.
func TestTrainTooFew(t *testing.T) {
	t.Parallel()
	one := newWorld(1, 10, 1, 1).set(50)
	eight := newWorld(1, 10, 2, 1).set(4)
	for name, s := range map[string]learn.Set{"nothing": {}, "no examples": {Labels: []string{"a", "b"}}, "one class": one, "eight pictures": eight} {
		_, err := learn.Train(t.Context(), s, learn.Options{})
		if !errors.Is(err, learn.ErrTooFew) || !strings.Contains(err.Error(), "8 pictures each") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := learn.Train(t.Context(), eight, learn.Options{MinImages: 4}); err != nil {
		t.Errorf("eight pictures that suffice: %v", err)
	}
}

func TestTrainMalformed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(e []learn.Example){
		"width":    func(e []learn.Example) { e[3].Vector = e[3].Vector[1:] },
		"no width": func(e []learn.Example) { e[3].Vector = nil },
		"no label": func(e []learn.Example) { e[3].Labels = nil },
		"label":    func(e []learn.Example) { e[3].Labels = []int{2} },
		"negative": func(e []learn.Example) { e[3].Labels = []int{-1} },
		"twice":    func(e []learn.Example) { e[3].ID = e[4].ID },
	} {
		s := newWorld(1, 10, 2, 1).set(10)
		spoil(s.Examples)
		if _, err := learn.Train(t.Context(), s, learn.Options{}); err == nil || errors.Is(err, learn.ErrTooFew) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTrainOdd trains on sets that say little, and must neither fail nor boast.
func TestTrainOdd(t *testing.T) {
	t.Parallel()
	same := newWorld(1, 50, 2, 1).set(20)
	for i := range same.Examples {
		same.Examples[i].Vector = same.Examples[0].Vector
	}
	empty := newWorld(1, 50, 2, 1).set(20)
	for i := range empty.Examples {
		empty.Examples[i].Vector = make([]int8, 50)
	}
	contradicting := newWorld(1, 50, 2, 1).set(20)
	for i, e := range contradicting.Examples[:20] {
		contradicting.Examples[i+20].Vector, contradicting.Examples[i+20].Labels = e.Vector, []int{1 - e.Labels[0]}
		contradicting.Examples[i+20].Family = e.Family
	}

	for name, s := range map[string]learn.Set{"identical": same, "empty": empty, "contradicting": contradicting} {
		m := train(t, s, learn.Options{Seed: 1})
		if p := m.Predict(s.Examples[0].Vector, -1); p[0].Probability > 0.75 {
			t.Errorf("%s: %v", name, p)
		}
		if v := learn.Compare(m, nil, s, 1); v.Promote {
			t.Errorf("%s: promoted, %s", name, v.Reason)
		}
	}
}

func TestTrainImbalanced(t *testing.T) {
	t.Parallel()
	w := newWorld(5, 200, 3, 1.5)
	s := w.set(10)
	for range 400 {
		s.Examples = append(s.Examples, learn.Example{Labels: []int{0}})
	}
	s.Labels = append(s.Labels, "rare")
	w.centres = append(w.centres, w.centres[0])
	s.Examples = append(s.Examples, learn.Example{Labels: []int{3}})
	w.draw(s.Examples)
	w.number(s)

	m := train(t, s, learn.Options{Seed: 1})
	got := m.Metrics()
	if !slices.Equal(m.Labels(), s.Labels[:3]) || len(got.LeftOut) != 1 || got.LeftOut[0] != (learn.LabelCount{Label: "rare", Images: 1}) {
		t.Errorf("labels %v, left out %v", m.Labels(), got.LeftOut)
	}
	for _, l := range got.Labels[1:] {
		if l.Recall < 0.7 || l.Images != 10 {
			t.Errorf("%+v", l)
		}
	}
}

// TestTrainReproduces compares the bytes of models.
func TestTrainReproduces(t *testing.T) {
	for _, size := range []struct{ dims, each int }{{300, 20}, {300, 1010}} {
		s := newWorld(6, size.dims, 3, 0.5).set(size.each)
		bytesOf := func(seed uint64) []byte {
			b, err := train(t, s, learn.Options{Seed: seed}).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			return b
		}

		old := runtime.GOMAXPROCS(1)
		alone := bytesOf(1)
		runtime.GOMAXPROCS(7)
		slices.Reverse(s.Examples)
		if !bytes.Equal(alone, bytesOf(1)) {
			t.Errorf("%d a class: seven processors and another order change the model", size.each)
		}
		runtime.GOMAXPROCS(old)
		if size.each < 100 && bytes.Equal(alone, bytesOf(2)) {
			t.Errorf("%d a class: the seed changes nothing", size.each)
		}
	}
}

// TestTrainStops ends the context at each stage.
func TestTrainStops(t *testing.T) {
	t.Parallel()
	for _, each := range []int{30, 760} {
		s := newWorld(8, 12, 4, 0.5).set(each)
		stages := map[string]bool{}
		train(t, s, learn.Options{Progress: func(stage string, done float64) {
			stages[stage] = true
			if done < 0 || done > 1 {
				t.Errorf("%s: progress %v", stage, done)
			}
		}})
		for stage := range stages {
			if stage == "evaluate" && each == 30 {
				continue // the last stage, and done in no time
			}
			ctx, cancel := context.WithCancel(t.Context())
			_, err := learn.Train(ctx, s, learn.Options{Progress: func(now string, _ float64) {
				if now == stage {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%d a class, cancelled at %s: %v", each, stage, err)
			}
			cancel()
		}
	}
}
