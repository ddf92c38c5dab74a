package learn

import (
	"context"
	"math"
	"math/rand/v2"
)

const (
	batchSize  = 1024
	batchRows  = 128 // rows that one goroutine judges at a time
	batchCols  = 512 // features that one goroutine updates at a time
	adamSteps  = 400 // at least, or adamEpochs of them
	adamEpochs = 5
	adamRate   = 0.02 // falls to 0 in a straight line
	adamBeta1  = 0.9
	adamBeta2  = 0.99
	adamSmall  = 1e-8
)

// adam fits by mini-batches (Kingma and Ba, 2015): many examples, no float copy of
// them. Its pieces of work have fixed borders, so the result does not depend on the
// number of processors.
type adam struct {
	t       *task
	s       scaling
	lambda  float32
	rate    float32
	offset  []float32
	w, turn []float32 // labels×dims, and the same as dims×labels
	bias    []float32 // stands beside the offset, like dual's constant feature
	mean    []float32 // of the gradient, labels×dims
	square  []float32
	biasM   []float32
	biasV   []float32

	x     []float32 // batchSize×dims
	r     []float32 // labels×batchSize
	z     []float32 // batchSize×labels
	grad  []float32 // labels×dims
	count int       // steps
}

func (t *task) newAdam(s scaling) *adam {
	size := len(t.labels) * t.dims
	return &adam{
		t: t, s: s,
		w: make([]float32, size), turn: make([]float32, size), mean: make([]float32, size),
		square: make([]float32, size), grad: make([]float32, size),
		bias: make([]float32, len(t.labels)), biasM: make([]float32, len(t.labels)), biasV: make([]float32, len(t.labels)),
		x: make([]float32, batchSize*t.dims), r: make([]float32, batchSize*len(t.labels)), z: make([]float32, batchSize*len(t.labels)),
	}
}

// fit minimises mean log loss + lambda/2·|W|² over the rows. The buffers of a serve
// one fit after another.
func (a *adam) fit(ctx context.Context, rows []int, lambda float64, rng *rand.Rand, progress func(float64)) (linear, error) {
	for _, buffer := range [][]float32{a.w, a.turn, a.mean, a.square, a.bias, a.biasM, a.biasV} {
		clear(buffer)
	}
	a.offset, a.lambda, a.count = a.t.prior(rows), float32(lambda), 0

	order := append([]int(nil), rows...)
	perEpoch := chunks(len(order), batchSize)
	epochs := max(adamEpochs, chunks(adamSteps, perEpoch))
	for e := range epochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for b := range perEpoch {
			if err := ctx.Err(); err != nil {
				return linear{}, err
			}
			done := float64(e*perEpoch+b) / float64(epochs*perEpoch)
			a.rate = float32(adamRate * (1 - done))
			// Equal batches: a small last one would weigh as much as the others.
			a.step(order[b*len(order)/perEpoch : (b+1)*len(order)/perEpoch])
			progress(done)
		}
	}

	bias := append([]float32(nil), a.offset...)
	axpy(1, a.bias, bias)
	return a.s.unscale(append([]float32(nil), a.w...), bias), nil
}

// step moves the weights by the gradient of one batch.
func (a *adam) step(batch []int) {
	a.count++
	parallel(chunks(len(batch), batchRows), func(b int) {
		a.forward(batch, b*batchRows, min((b+1)*batchRows, len(batch)))
	})
	parallel(chunks(a.t.dims, batchCols), func(b int) {
		a.update(len(batch), b*batchCols, min((b+1)*batchCols, a.t.dims))
	})
	a.updateBias(len(batch))
}

// forward computes the residuals of the rows lo to hi of the batch, as columns of r.
func (a *adam) forward(batch []int, lo, hi int) {
	d, c, m := a.t.dims, len(a.t.labels), len(batch)
	for i := lo; i < hi; i++ {
		a.s.apply(a.t.vectors[batch[i]], a.x[i*d:][:d])
	}
	mul(hi-lo, c, d, a.x[lo*d:], d, a.turn, c, a.z[lo*c:], c, false)

	row := make([]float32, c)
	for i := lo; i < hi; i++ {
		z := a.z[i*c:][:c]
		for l := range z {
			z[l] += a.bias[l] + a.offset[l]
		}
		residual(a.t.several, z, a.t.targets[batch[i]], row)
		for l, v := range row {
			a.r[l*m+i] = v / float32(m)
		}
	}
}

// update moves the weights of the features lo to hi.
func (a *adam) update(m, lo, hi int) {
	d, c := a.t.dims, len(a.t.labels)
	mul(c, hi-lo, m, a.r, m, a.x[lo:], d, a.grad[lo:], d, false)
	for l := range c {
		w, g := a.w[l*d+lo:l*d+hi], a.grad[l*d+lo:l*d+hi]
		axpy(a.lambda, w, g)
		a.move(w, g, a.mean[l*d+lo:l*d+hi], a.square[l*d+lo:l*d+hi])
		for j, v := range w {
			a.turn[(lo+j)*c+l] = v
		}
	}
}

func (a *adam) updateBias(m int) {
	g := make([]float32, len(a.bias))
	for l := range g {
		for _, v := range a.r[l*m:][:m] {
			g[l] += biasScale * v
		}
		g[l] += a.lambda * a.bias[l]
	}
	a.move(a.bias, g, a.biasM, a.biasV)
}

// move applies Adam's rule to some weights.
func (a *adam) move(w, g, mean, square []float32) {
	g, mean, square = g[:len(w)], mean[:len(w)], square[:len(w)]
	rate := a.rate / float32(1-math.Pow(adamBeta1, float64(a.count)))
	fix := 1 / float32(1-math.Pow(adamBeta2, float64(a.count)))
	for j, v := range g {
		m := adamBeta1*mean[j] + (1-adamBeta1)*v
		s := adamBeta2*square[j] + (1-adamBeta2)*v*v
		mean[j], square[j] = m, s
		w[j] -= rate * m / (float32(math.Sqrt(float64(s*fix))) + adamSmall)
	}
}
