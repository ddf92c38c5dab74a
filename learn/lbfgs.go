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

// solve minimises mean log loss + lambda/2·|W|² by L-BFGS with the two-loop recursion
// (Nocedal and Wright, Numerical Optimization, algorithm 7.4) in the inner product of
// weight space. The logits change linearly along a direction, so a line search
// needs no product with K. It starts from the fit that d has.
func (d *dual) solve(ctx context.Context, lambda float64) error {
	size := d.n * d.c
	z, trial := make([]float32, size), make([]float32, size)
	g, last, dir := newPair(size), newPair(size), newPair(size)
	alpha := make([]float64, lbfgsMemory)
	var steps []step

	d.logits(z)
	value := d.loss(z) + lambda/2*d.a.dot(d.a)
	d.gradient(z, lambda, g)
	enough := lbfgsGradient * d.priorGradient(trial, last)
	idle := 0
	for range lbfgsIterations {
		if err := ctx.Err(); err != nil {
			return err
		}
		if g.dot(g) <= enough*enough {
			return nil
		}

		d.direct(g, dir, steps, alpha)
		t, next := d.search(z, trial, lambda, value, g, dir, len(steps) == 0)
		if t == 0 {
			return nil
		}
		d.a.add(t, dir)
		last.set(g)
		d.logits(z)
		d.gradient(z, lambda, g)

		if value-next > lbfgsProgress*value {
			idle = 0
		} else if idle++; idle == 2 {
			return nil
		}
		value = next
		steps = remember(steps, size, t, dir, g, last)
	}
	return nil
}

// priorGradient is the gradient's length at W = 0.
func (d *dual) priorGradient(z []float32, g pair) float64 {
	for i := range d.n {
		copy(z[i*d.c:], d.offset)
		residual(d.several, z[i*d.c:][:d.c], d.targets[i], g.u[i*d.c:][:d.c])
	}
	d.product(g)
	return math.Sqrt(max(g.dot(g), 0)) / float64(d.n)
}

// direct writes the quasi-Newton direction −H·g into dir.
func (d *dual) direct(g, dir pair, steps []step, alpha []float64) {
	dir.set(g)
	for i := len(steps) - 1; i >= 0; i-- {
		alpha[i] = steps[i].rho * dir.dot(steps[i].s)
		dir.add(-alpha[i], steps[i].y)
	}
	if n := len(steps); n > 0 {
		dir.multiply(1 / (steps[n-1].rho * steps[n-1].y.dot(steps[n-1].y)))
	}
	for i, s := range steps {
		beta := s.rho * dir.dot(s.y)
		dir.add(alpha[i]-beta, s.s)
	}
	dir.multiply(-1)
}

// search finds a step along dir that lowers the value enough (Armijo), and returns
// it with the new value, or 0 if rounding hides any progress. The first step of all
// has no scale yet, so it doubles while that helps.
func (d *dual) search(z, trial []float32, lambda, value float64, g, dir pair, first bool) (float64, float64) {
	slope := g.dot(dir)
	if slope >= 0 {
		return 0, value
	}
	linearPart, square := lambda*d.a.dot(dir), lambda/2*dir.dot(dir)
	penalty := lambda / 2 * d.a.dot(d.a)
	at := func(t float64) float64 {
		for i, v := range z {
			trial[i] = v + float32(t)*dir.ku[i]
		}
		return d.loss(trial) + penalty + t*linearPart + t*t*square
	}

	t := 1.0
	next := at(t)
	for first && t < 1<<20 {
		doubled := at(2 * t)
		if doubled >= next {
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

// remember appends the move t·dir and the change of the gradient, and reuses the
// memory of the oldest.
func remember(steps []step, size int, t float64, dir, g, last pair) []step {
	var s step
	if len(steps) == lbfgsMemory {
		s = steps[0]
		steps = append(steps[:0], steps[1:]...)
	} else {
		s = step{s: newPair(size), y: newPair(size)}
	}

	s.s.set(dir)
	s.s.multiply(t)
	s.y.set(g)
	s.y.add(-1, last)
	curvature := s.s.dot(s.y)
	if curvature <= 1e-12*s.y.dot(s.y) {
		return steps // rounding: the loss is convex
	}
	s.rho = 1 / curvature
	return append(steps, s)
}
