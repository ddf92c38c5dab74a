package learn

import (
	"context"
	"math"

	"inlet/learn/gemm"
)

// kernelMax is the number of examples up to which training works on their Gram
// matrix (n×n) instead of the vectors (n×4,004): exact, and faster while n is small.
const kernelMax = 3000

// kernelCells bounds examples × labels of that training: L-BFGS remembers 32
// matrices of that size for each of five folds, 200 MB.
const kernelCells = 400_000

// biasScale is the length of the constant feature that stands for the bias. The
// prior is added beside it, so that a strong penalty leaves the prior.
const biasScale = 1

// gram is the matrix of inner products of scaled vectors, plus biasScale².
type gram struct {
	n int
	k []float32 // n×n
}

// gramOf computes the Gram matrix of the given examples, in blocks.
func (t *task) gramOf(ctx context.Context, s scaling, rows []int) (*gram, error) {
	const block = 256
	n, d := len(rows), t.dims
	x := make([]float32, n*d)
	parallel(chunks(n, block), func(b int) {
		for i := b * block; i < min(n, (b+1)*block); i++ {
			s.apply(t.vectors[rows[i]], x[i*d:][:d])
		}
	})

	g := &gram{n: n, k: make([]float32, n*n)}
	parallel(chunks(n, block), func(b int) {
		lo, hi := b*block, min(n, (b+1)*block)
		for i := lo; i < n && ctx.Err() == nil; i += block {
			gemm.MulBT(min(block, n-i), hi-lo, d, x[i*d:], d, x[lo*d:], d, g.k[i*n+lo:], n, false)
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	// The blocks above are the lower triangle.
	for i := range n {
		for j := range i + 1 {
			v := g.k[i*n+j] + biasScale*biasScale
			g.k[i*n+j], g.k[j*n+i] = v, v
		}
	}
	return g, nil
}

// sub is the part of the matrix with the given rows and columns.
func (g *gram) sub(rows, cols []int) []float32 {
	out := make([]float32, len(rows)*len(cols))
	for i, r := range rows {
		from, to := g.k[r*g.n:][:g.n], out[i*len(cols):][:len(cols)]
		for j, c := range cols {
			to[j] = from[c]
		}
	}
	return out
}

// dual is a fit in the span of its examples: weights W = Xᵀ·A with A n×labels.
// Logits are K·A + offset, and the squared length of W is Σ A∘(K·A), so L-BFGS
// needs one product with K an iteration and never the vectors. Each n×labels matrix
// stands beside its product with K.
type dual struct {
	several bool
	n, c    int
	k       []float32 // n×n
	offset  []float32 // labels
	targets [][]int32
	a       pair // the fit, which a further solve starts from
	packed  gemm.Packed
	work    *workspace
	spread  bool // products use all processors
}

// pair is a matrix U and K·U.
type pair struct{ u, ku []float32 }

func newPair(size int) pair { return pair{make([]float32, size), make([]float32, size)} }

// dot is the inner product <U, V> in weight space, Σ U∘(K·V).
func (p pair) dot(q pair) float64 { return dot(p.u, q.ku) }

func (p pair) add(t float64, q pair) {
	axpy(float32(t), q.u, p.u)
	axpy(float32(t), q.ku, p.ku)
}

func (p pair) set(q pair) {
	copy(p.u, q.u)
	copy(p.ku, q.ku)
}

func (p pair) multiply(t float64) {
	for i := range p.u {
		p.u[i] *= float32(t)
	}
	for i := range p.ku {
		p.ku[i] *= float32(t)
	}
}

func dot(a, b []float32) float64 {
	b = b[:len(a)]
	var s, t float64
	i := 0
	for ; i+1 < len(a); i += 2 {
		s += float64(a[i]) * float64(b[i])
		t += float64(a[i+1]) * float64(b[i+1])
	}
	if i < len(a) {
		s += float64(a[i]) * float64(b[i])
	}
	return s + t
}

func axpy(t float32, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += t * v
	}
}

// newDual prepares a fit on the rows of t; k is their Gram matrix.
func (t *task) newDual(k []float32, rows []int) *dual {
	d := &dual{several: t.several, n: len(rows), c: len(t.labels), k: k, offset: t.prior(rows)}
	d.a = newPair(d.n * d.c)
	for _, i := range rows {
		d.targets = append(d.targets, t.targets[i])
	}
	return d
}

// product computes p.ku from p.u.
func (d *dual) product(p pair) {
	const block = 120
	d.packed.Pack(d.n, d.c, p.u, d.c, nil)
	piece := func(b int) {
		lo := b * block
		d.packed.Mul(min(block, d.n-lo), d.k[lo*d.n:], d.n, p.ku[lo*d.c:], d.c, false, gemm.Unlimited)
	}
	if d.spread {
		parallel(chunks(d.n, block), piece)
		return
	}
	for b := range chunks(d.n, block) {
		piece(b)
	}
}

// evaluate returns the mean log loss at logits z and keeps the residuals.
func (d *dual) evaluate(z []float32) float64 {
	var sum float64
	for i := range d.n {
		sum += residual(d.several, z[i*d.c:][:d.c], d.targets[i], d.work.r[i*d.c:][:d.c])
	}
	return sum / float64(d.n)
}

// gradient writes the gradient at the current fit, which was evaluated last, into
// g, and its product with K.
func (d *dual) gradient(lambda float64, g pair) {
	scale := 1 / float32(d.n)
	for i, r := range d.work.r {
		g.u[i] = r*scale + float32(lambda)*d.a.u[i]
	}
	d.product(g)
}

// logits writes offset + K·A into z.
func (d *dual) logits(z []float32) {
	for i := range d.n {
		row, ka := z[i*d.c:][:d.c], d.a.ku[i*d.c:][:d.c]
		for c := range row {
			row[c] = ka[c] + d.offset[c]
		}
	}
}

// weights turns the fit into weights of int8 vectors.
func (t *task) weights(d *dual, s scaling, rows []int) linear {
	const block = 256
	w := make([]float32, d.c*t.dims)
	bias := append([]float32(nil), d.offset...)
	x := make([]float32, min(block, d.n)*t.dims)
	for lo := 0; lo < d.n; lo += block {
		m := min(block, d.n-lo)
		for i := range m {
			s.apply(t.vectors[rows[lo+i]], x[i*t.dims:][:t.dims])
		}
		a := d.a.u[lo*d.c:][:m*d.c]
		gemm.MulAT(d.c, t.dims, m, a, d.c, x, t.dims, w, t.dims, lo > 0)
		for i, v := range a {
			bias[i%d.c] += biasScale * biasScale * v
		}
	}
	return s.unscale(w, bias)
}

// finite reports whether every value is a number.
func finite(v []float32) bool {
	for _, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return false
		}
	}
	return true
}
