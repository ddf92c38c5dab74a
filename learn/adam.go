package learn

import (
	"context"
	"math"
	"math/rand/v2"

	"inlet/learn/gemm"
)

const (
	batchMax   = 1024
	batchMin   = 256
	batchRows  = 128 // rows that one goroutine judges at a time
	batchCols  = 256 // features that one goroutine updates at a time
	adamSteps  = 400 // at least, or adamEpochs of them
	adamEpochs = 5
	adamRate   = 5.0 // over √dims; falls to 0 in a straight line
	adamBeta1  = 0.9
	adamBeta2  = 0.99
	adamSmall  = 1e-8
)

// adam fits by mini-batches (Kingma and Ba, 2015): many examples, no float copy of
// them. Its pieces of work have fixed borders, so the result does not depend on the
// number of processors. Its buffers serve one fit after another.
type adam struct {
	t      *task
	s      scaling
	lambda float32
	rate   float32
	count  int       // steps
	offset []float32 // the prior, labels

	w, grad, mean, square      []float32   // dims×labels: weights of scaled vectors, gradient, its moments
	bias, gradB, meanB, squarB []float32   // labels, beside the offset like dual's constant feature
	packed                     gemm.Packed // w
	packedR                    gemm.Packed // r
	shift                      []float32   // what scaling subtracts from the logits of raw vectors

	x []float32 // batchMax×dims, raw
	z []float32 // batchMax×labels, logits
	r []float32 // batchMax×labels, residuals
}

func (t *task) newAdam(s scaling) *adam {
	c := len(t.labels)
	some := func(n int) []float32 { return make([]float32, n) }
	return &adam{
		t: t, s: s,
		w: some(t.dims * c), grad: some(t.dims * c), mean: some(t.dims * c), square: some(t.dims * c),
		bias: some(c), gradB: some(c), meanB: some(c), squarB: some(c), shift: some(c),
		x: some(batchMax * t.dims), z: some(batchMax * c), r: some(batchMax * c),
	}
}

// batch is the number of rows of a step: a smaller set has smaller batches, so that
// it takes as many steps in fewer epochs.
func batch(rows int) int { return min(max(rows/64, batchMin), batchMax) }

// fit minimises mean log loss + lambda/2·|W|² over the rows.
func (a *adam) fit(ctx context.Context, rows []int, lambda float64, rng *rand.Rand, progress func(float64)) (linear, error) {
	for _, buffer := range [][]float32{a.w, a.mean, a.square, a.bias, a.meanB, a.squarB} {
		clear(buffer)
	}
	a.offset, a.lambda, a.count = a.t.prior(rows), float32(lambda), 0

	order := append([]int(nil), rows...)
	perEpoch := chunks(len(order), batch(len(rows)))
	epochs := max(adamEpochs, chunks(adamSteps, perEpoch))
	for e := range epochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for b := range perEpoch {
			if err := ctx.Err(); err != nil {
				return linear{}, err
			}
			done := float64(e*perEpoch+b) / float64(epochs*perEpoch)
			a.rate = float32(adamRate / math.Sqrt(float64(a.t.dims)) * (1 - done))
			// Equal batches: a small last one would weigh as much as the others.
			a.step(order[b*len(order)/perEpoch : (b+1)*len(order)/perEpoch])
			progress(done)
		}
	}
	return a.linear(), nil
}

// linear is the current fit.
func (a *adam) linear() linear {
	c := len(a.bias)
	w, bias := make([]float32, len(a.w)), make([]float32, c)
	for l := range c {
		bias[l] = a.bias[l] + a.offset[l]
		for j := range a.t.dims {
			w[l*a.t.dims+j] = a.w[j*c+l]
		}
	}
	return a.s.unscale(w, bias)
}

// step moves the weights by the gradient of one batch.
func (a *adam) step(batch []int) {
	c := len(a.bias)
	a.count++
	a.packed.Pack(a.t.dims, c, a.w, c, nil)
	a.packed.Mul(1, a.s.mean, a.t.dims, a.shift, c, false, gemm.Unlimited)

	parallel(chunks(len(batch), batchRows), func(b int) {
		a.forward(batch, b*batchRows, min((b+1)*batchRows, len(batch)))
	})
	a.packedR.Pack(len(batch), c, a.r, c, nil)
	clear(a.gradB)
	for i := range batch {
		axpy(1, a.r[i*c:][:c], a.gradB)
	}

	parallel(chunks(a.t.dims, batchCols), func(b int) {
		a.update(b*batchCols, min((b+1)*batchCols, a.t.dims))
	})
	for l := range a.gradB {
		a.gradB[l] = biasScale*a.gradB[l] + a.lambda*a.bias[l]
	}
	a.move(a.bias, a.gradB, a.meanB, a.squarB)
}

// forward computes the residuals of the rows lo to hi of the batch.
func (a *adam) forward(batch []int, lo, hi int) {
	d, c := a.t.dims, len(a.bias)
	for i := lo; i < hi; i++ {
		gemm.Widen(a.x[i*d:][:d], a.t.vectors[batch[i]])
	}
	a.packed.Mul(hi-lo, a.x[lo*d:], d, a.z[lo*c:], c, false, gemm.Unlimited)

	for i := lo; i < hi; i++ {
		z, r := a.z[i*c:][:c], a.r[i*c:][:c]
		for l := range z {
			z[l] = (z[l]-a.shift[l])*a.s.factor + a.bias[l] + a.offset[l]
		}
		residual(a.t.several, z, a.t.targets[batch[i]], r)
		for l := range r {
			r[l] /= float32(len(batch))
		}
	}
}

// update moves the weights of the features lo to hi.
func (a *adam) update(lo, hi int) {
	c := len(a.bias)
	w, g := a.w[lo*c:hi*c], a.grad[lo*c:hi*c]
	a.packedR.MulAT(hi-lo, a.x[lo:], a.t.dims, g, c, false, gemm.Unlimited)
	for j := lo; j < hi; j++ {
		axpy(-a.s.mean[j], a.gradB, g[(j-lo)*c:][:c])
	}
	for k, v := range w {
		g[k] = g[k]*a.s.factor + a.lambda*v
	}
	a.move(w, g, a.mean[lo*c:hi*c], a.square[lo*c:hi*c])
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
