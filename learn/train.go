package learn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
)

// Streams of the seed's random numbers: each use has its own, so that one does not
// shift another.
const (
	streamSplit = iota + 1
	streamSample
	streamFinal
	streamCurve
	streamCompare
	streamFold // and those above, one a fold
)

// Train fits and evaluates a model. It returns ErrTooFew if fewer than two labels
// have Options.MinImages pictures, ctx's error within a second of its end, and
// another error for a malformed set.
//
// Up to 3,000 examples (fewer with more than 133 labels) it solves exactly in their
// Gram matrix; above, it fits by mini-batches, without a copy of the vectors, and
// takes the penalty that is best for a sample of 2,000. Beside the set it needs
// 300 MB at most.
func Train(ctx context.Context, s Set, o Options) (*Model, error) {
	t, err := newTask(s, o.MinImages)
	if err != nil {
		return nil, err
	}
	r := &run{t: t, seed: o.Seed, families: o.Split, progress: o.Progress}
	if r.progress == nil {
		r.progress = func(string, float64) {}
	}
	r.split = t.split(r.random(streamSplit))

	var trained *fits
	if t.n <= kernelMax && t.n*len(t.labels) <= kernelCells {
		trained, err = r.exact(ctx)
	} else {
		trained, err = r.batches(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	return r.model(ctx, trained)
}

// run is one training.
type run struct {
	t        *task
	seed     uint64
	families string // in words
	split    split
	progress func(string, float64)
}

func (r *run) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(r.seed, stream)) }

// fits is what the optimisers return.
type fits struct {
	penalty float64
	final   weights
	folds   []weights
	curve   []CurvePoint // without the last point
}

var errDiverged = errors.New("the weights are not finite")

// quantised checks and rounds a fit.
func (t *task) quantised(l linear) (weights, error) {
	if !finite(l.w) || !finite(l.bias) {
		return weights{}, errDiverged
	}
	return quantise(l, t.dims), nil
}

// model calibrates and judges.
func (r *run) model(ctx context.Context, f *fits) (*Model, error) {
	m := &Model{
		labels: r.t.labels, several: r.t.several, dims: r.t.dims, seed: r.seed, penalty: f.penalty,
		final: f.final, folds: f.folds, ids: r.t.ids, fold: r.split.of,
	}
	r.fitCalibration(m)
	r.progress("evaluate", 0.97)

	y := r.t.newTally()
	if err := r.judge(ctx, m, y); err != nil {
		return nil, err
	}
	m.metrics = y.metrics()
	m.metrics.Folds, m.metrics.Split = r.split.folds, joined(r.families, r.split.note)
	m.metrics.Curve = append(f.curve, CurvePoint{
		Images: r.t.n - r.t.n/r.split.folds, Accuracy: m.metrics.Accuracy, MacroF1: m.metrics.MacroF1,
	})
	r.progress("evaluate", 1)
	return m, nil
}

// fitCalibration fits the calibration on out-of-fold logits of a sample.
func (r *run) fitCalibration(m *Model) {
	c := len(m.labels)
	rows := r.random(streamSample).Perm(r.t.n)[:min(r.t.n, calibrationSample, calibrationCells/c)]
	z := make([]float32, len(rows)*c)
	targets := make([][]int32, len(rows))
	parallel(chunks(len(rows), batchRows), func(b int) {
		for i := b * batchRows; i < min(len(rows), (b+1)*batchRows); i++ {
			m.logits(r.t.vectors[rows[i]], int(r.split.of[rows[i]]), z[i*c:][:c])
			targets[i] = r.t.targets[rows[i]]
		}
	})

	if !m.several {
		m.scale = []float32{fitTemperature(z, c, targets)}
		return
	}
	m.scale, m.shift = make([]float32, c), make([]float32, c)
	parallel(c, func(l int) {
		column, right := make([]float32, len(rows)), make([]bool, len(rows))
		for i := range rows {
			column[i], right[i] = z[i*c+l], has(targets[i], l)
		}
		m.scale[l], m.shift[l] = fitPlatt(column, right)
	})
}

// judge counts every example by the weights that never saw it.
func (r *run) judge(ctx context.Context, m *Model, y *tally) error {
	const block = 1024
	c := len(m.labels)
	p := make([]float32, block*c)
	for lo := 0; lo < r.t.n; lo += block {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(block, r.t.n-lo)
		parallel(chunks(n, batchRows), func(b int) {
			for i := b * batchRows; i < min(n, (b+1)*batchRows); i++ {
				m.probabilities(r.t.vectors[lo+i], int(r.split.of[lo+i]), p[i*c:][:c])
			}
		})
		for i := range n {
			y.add(p[i*c:][:c], r.t.targets[lo+i])
		}
	}
	return nil
}

// joined puts two remarks behind each other.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
