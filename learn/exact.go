package learn

import (
	"context"
	"math"

	"inlet/learn/gemm"
)

// patience is how many values of the grid may be worse than the best before the
// search ends.
const patience = 1

// grid is the inverse strength of L2 (scikit-learn's C), from strong to weak: the
// summed log loss plus |W|²/(2C), for vectors of mean squared length 1.
func grid() []float64 { return []float64{0.1, 1, 4, 16, 64, 256, 1024, 4096} }

// lambda is the same strength for the mean log loss of n examples.
func lambda(c float64, n int) float64 { return 1 / (c * float64(n)) }

// held is one fold's fit, and the examples that the fold holds out.
type held struct {
	train, test []int
	cross       []float32 // test×train, Gram
	d           *dual
	best        []float32 // d.a.u at the best penalty so far
	z           []float32 // logits of test
	loss        float64   // summed, of test
}

// exact trains on the Gram matrix of all examples.
func (r *run) exact(ctx context.Context) (*fits, error) {
	s := r.t.scaling()
	all := r.split.rows(-1, false)
	g, err := r.t.gramOf(ctx, s, all)
	if err != nil {
		return nil, err
	}
	folds := r.heldFolds(g)
	f := &fits{folds: make([]weights, len(folds))}
	if f.penalty, err = r.choosePenalty(ctx, folds, func(done float64) { r.progress("choose", 0.05+0.55*done) }); err != nil {
		return nil, err
	}

	errs := make([]error, len(folds))
	parallel(len(folds), func(i int) {
		copy(folds[i].d.a.u, folds[i].best)
		f.folds[i], errs[i] = r.t.quantised(r.t.weights(folds[i].d, s, folds[i].train))
	})
	if err := first(errs); err != nil {
		return nil, err
	}
	r.progress("train", 0.65)

	d := r.t.newDual(g.k, all)
	d.spread = true
	if err := d.solve(ctx, lambda(f.penalty, r.t.n)); err != nil {
		return nil, err
	}
	if f.final, err = r.t.quantised(r.t.weights(d, s, all)); err != nil {
		return nil, err
	}
	r.progress("curve", 0.8)
	f.curve, err = r.exactCurve(ctx, g, folds, f.penalty)
	return f, err
}

// heldFolds prepares the folds' fits.
func (r *run) heldFolds(g *gram) []*held {
	folds := make([]*held, r.split.folds)
	parallel(len(folds), func(f int) {
		h := &held{train: r.split.rows(f, false), test: r.split.rows(f, true)}
		h.cross = g.sub(h.test, h.train)
		h.d = r.t.newDual(g.sub(h.train, h.train), h.train)
		h.z = make([]float32, len(h.test)*h.d.c)
		folds[f] = h
	})
	return folds
}

// judge computes the held-out loss of the fold's fit.
func (h *held) judge(targets [][]int32) {
	c := h.d.c
	gemm.Mul(len(h.test), c, len(h.train), h.cross, len(h.train), h.d.a.u, c, h.z, c, false)
	h.loss = 0
	for k, i := range h.test {
		row := h.z[k*c:][:c]
		for l := range row {
			row[l] += h.d.offset[l]
		}
		h.loss += lossOf(h.d.several, row, targets[i])
	}
}

// choosePenalty walks the grid from strong to weak and begins each fold's fit at the
// one before. It leaves in held.best the fits at the penalty with the least held-out
// loss.
func (r *run) choosePenalty(ctx context.Context, folds []*held, progress func(float64)) (float64, error) {
	best, leastLoss, worse := 0.0, math.Inf(1), 0
	for k, c := range grid() {
		errs := make([]error, len(folds))
		parallel(len(folds), func(f int) {
			h := folds[f]
			errs[f] = h.d.solve(ctx, lambda(c, h.d.n))
			h.judge(r.t.targets)
		})
		if err := first(errs); err != nil {
			return 0, err
		}

		var loss float64
		for _, h := range folds {
			loss += h.loss
		}
		if loss < leastLoss {
			best, leastLoss, worse = c, loss, 0
			for _, h := range folds {
				h.best = append(h.best[:0], h.d.a.u...)
			}
		} else if worse++; worse == patience {
			break
		}
		progress(float64(k+1) / float64(len(grid())))
	}
	return best, nil
}

// exactCurve trains on parts of one or more folds' training pictures and judges the
// pictures that those folds hold out.
func (r *run) exactCurve(ctx context.Context, g *gram, folds []*held, c float64) ([]CurvePoint, error) {
	if r.t.n > 1000 {
		folds = folds[:1]
	}
	var curve []CurvePoint
	for _, part := range curveParts() {
		size := int(part * float64(len(folds[0].train)))
		if size < 2*len(r.t.labels) {
			continue // not a model, a few pictures
		}
		points, errs := make([]*tally, len(folds)), make([]error, len(folds))
		parallel(len(folds), func(f int) {
			points[f], errs[f] = r.exactPoint(ctx, g, folds[f], f, part, c)
		})
		if err := first(errs); err != nil {
			return nil, err
		}

		sum := r.t.newTally()
		for _, point := range points {
			sum.merge(point)
		}
		curve = append(curve, sum.point(size))
	}
	return curve, nil
}

func (r *run) exactPoint(ctx context.Context, g *gram, h *held, fold int, part, c float64) (*tally, error) {
	rows := r.part(h.train, fold, part)
	d := r.t.newDual(g.sub(rows, rows), rows)
	if err := d.solve(ctx, lambda(c, len(rows))); err != nil {
		return nil, err
	}
	small := &held{train: rows, test: h.test, cross: g.sub(h.test, rows), d: d, z: make([]float32, len(h.z))}
	small.judge(r.t.targets)

	y := r.t.newTally()
	m := Model{several: r.t.several, scale: ones(d.c), shift: make([]float32, d.c)}
	for k, i := range h.test {
		p := small.z[k*d.c:][:d.c]
		m.calibrate(p)
		y.add(p, r.t.targets[i])
	}
	return y, nil
}
