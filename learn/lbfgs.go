package learn

import (
	"context"
	"math"
)

const (
	lbfgsMemory     = 6
	lbfgsIterations = 100
	lbfgsGradient   = 3e-3 // of the gradient's length at the prior
	lbfgsProgress   = 1e-4 // of the loss, twice in succession
)

// step is one move of L-BFGS and what it changed in the gradient.
type step struct {
	s, y pair
	rho  float64 // 1/<s, y>
}

// workspace is the memory of a solve, which the next one reuses.
type workspace struct {
	z, trial     []float32 // logits
	r            []float32 // residuals of the logits evaluated last
	g, last, dir pair
	steps, spare []step
	alpha        []float64
	lambda       float64 // of the solve before
}

func newWorkspace(size int) *workspace {
	w := &workspace{
		z: make([]float32, size), trial: make([]float32, size), r: make([]float32, size),
		g: newPair(size), last: newPair(size), dir: newPair(size), alpha: make([]float64, lbfgsMemory),
	}
	for range lbfgsMemory {
		w.spare = append(w.spare, step{s: newPair(size), y: newPair(size)})
	}
	return w
}

// solve minimises mean log loss + lambda/2·|W|² by L-BFGS with the two-loop recursion
// (Nocedal and Wright, Numerical Optimization, algorithm 7.4) in the inner product of
// weight space. The logits change linearly along a direction, so a line search
// needs no product with K. It starts from the fit that d has.
func (d *dual) solve(ctx context.Context, lambda float64) error {
	if d.work == nil {
		d.work = newWorkspace(d.n * d.c)
	}
	w := d.work
	w.adapt(lambda)
	z, g, last, dir := w.z, w.g, w.last, w.dir

	enough := lbfgsGradient * d.priorGradient()
	d.logits(z)
	value := d.evaluate(z) + lambda/2*d.a.dot(d.a)
	d.gradient(lambda, g)
	idle := 0
	for range lbfgsIterations {
		if err := ctx.Err(); err != nil {
			return err
		}
		if g.dot(g) <= enough*enough {
			return nil
		}

		w.direct()
		t, next := d.search(lambda, value)
		if t == 0 {
			return nil
		}
		d.a.add(t, dir)
		last.set(g)
		d.logits(z)
		d.gradient(lambda, g)

		if value-next > lbfgsProgress*value {
			idle = 0
		} else if idle++; idle == 2 {
			return nil
		}
		value = next
		w.remember(t)
	}
	return nil
}

// adapt rewrites the remembered steps of the solve before for this penalty, whose
// share of the gradient's change is lambda·s.
func (w *workspace) adapt(lambda float64) {
	kept := w.steps[:0]
	for _, s := range w.steps {
		s.y.add(lambda-w.lambda, s.s)
		if curvature := s.s.dot(s.y); curvature > 1e-12*s.y.dot(s.y) {
			s.rho = 1 / curvature
			kept = append(kept, s)
		} else {
			w.spare = append(w.spare, s)
		}
	}
	w.steps, w.lambda = kept, lambda
}

// priorGradient is the gradient's length at W = 0.
func (d *dual) priorGradient() float64 {
	w := d.work
	for i := range d.n {
		copy(w.trial[i*d.c:], d.offset)
	}
	d.evaluate(w.trial)
	copy(w.last.u, w.r)
	d.product(w.last)
	return math.Sqrt(max(w.last.dot(w.last), 0)) / float64(d.n)
}

// direct writes the quasi-Newton direction −H·g into dir.
func (w *workspace) direct() {
	w.dir.set(w.g)
	for i := len(w.steps) - 1; i >= 0; i-- {
		w.alpha[i] = w.steps[i].rho * w.dir.dot(w.steps[i].s)
		w.dir.add(-w.alpha[i], w.steps[i].y)
	}
	if n := len(w.steps); n > 0 {
		latest := w.steps[n-1]
		w.dir.multiply(1 / (latest.rho * latest.y.dot(latest.y)))
	}
	for i, s := range w.steps {
		beta := s.rho * w.dir.dot(s.y)
		w.dir.add(w.alpha[i]-beta, s.s)
	}
	w.dir.multiply(-1)
}

// search finds a step along dir that lowers the value enough (Armijo), and returns
// it with the new value, or 0 if rounding hides any progress. The first step has no
// scale yet, so search doubles it while that helps.
func (d *dual) search(lambda, value float64) (float64, float64) {
	w := d.work
	slope := w.g.dot(w.dir)
	if slope >= 0 {
		return 0, value
	}
	linearPart, square := lambda*d.a.dot(w.dir), lambda/2*w.dir.dot(w.dir)
	penalty := lambda / 2 * d.a.dot(d.a)
	at := func(t float64) float64 {
		for i, v := range w.z {
			w.trial[i] = v + float32(t)*w.dir.ku[i]
		}
		return d.evaluate(w.trial) + penalty + t*linearPart + t*t*square
	}

	t := 1.0
	next := at(t)
	for len(w.steps) == 0 && t < 1<<20 {
		doubled := at(2 * t)
		if doubled >= next {
			next = at(t)
			break
		}
		t, next = 2*t, doubled
	}
	for range 20 {
		if next <= value+1e-4*t*slope {
			return t, next
		}
		// The parabola through value, slope and next has its minimum here.
		best := -slope * t * t / (2 * (next - value - slope*t))
		t = min(max(best, 0.1*t), 0.5*t)
		next = at(t)
	}
	return 0, value
}

// remember appends the move t·dir and the change of the gradient. It reuses the memory
// of the oldest step.
func (w *workspace) remember(t float64) {
	var s step
	if last := len(w.spare) - 1; last >= 0 {
		s, w.spare = w.spare[last], w.spare[:last]
	} else {
		s = w.steps[0]
		w.steps = append(w.steps[:0], w.steps[1:]...)
	}

	s.s.set(w.dir)
	s.s.multiply(t)
	s.y.set(w.g)
	s.y.add(-1, w.last)
	curvature := s.s.dot(s.y)
	if curvature <= 1e-12*s.y.dot(s.y) {
		w.spare = append(w.spare, s) // rounding: the loss is convex
		return
	}
	s.rho = 1 / curvature
	w.steps = append(w.steps, s)
}
