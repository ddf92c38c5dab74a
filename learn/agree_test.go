package learn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// clouds are two labels with 60 features of falling strength.
func clouds(n int) *task {
	rng := rand.New(rand.NewPCG(1, 1))
	t := &task{labels: []string{"a", "b", "c"}, dims: 60, n: n}
	for i := range n {
		c := int32(i % 3)
		v := make([]int8, t.dims)
		for j := range v {
			strength := 100 / (1 + float64(j))
			v[j] = int8(max(min(rng.NormFloat64()*strength+strength*0.7*float64((int(c)*7+j*5)%3-1), 127), -127))
		}
		t.vectors = append(t.vectors, v)
		t.targets = append(t.targets, []int32{c})
		t.family = append(t.family, i)
		t.ids = append(t.ids, [16]byte{byte(i >> 8), byte(i)})
	}
	return t
}

// TestOptimisersAgree fits one task by L-BFGS on the Gram matrix and by mini-batches,
// at several penalties, and compares the objective of both.
func TestOptimisersAgree(t *testing.T) {
	t.Parallel()
	for _, several := range []bool{false, true} {
		k := clouds(1500)
		k.several = several
		s := k.scaling()
		rows := split{of: make([]int8, k.n)}.rows(-1, false)
		g, err := k.gramOf(t.Context(), s, rows)
		if err != nil {
			t.Fatal(err)
		}
		a := k.newAdam(s)
		for _, c := range []float64{1, 16, 256} {
			d := k.newDual(g.k, rows)
			if err := d.solve(t.Context(), lambda(c, k.n)); err != nil {
				t.Fatal(err)
			}
			exact := k.weights(d, s, rows)
			batches, err := a.fit(t.Context(), rows, lambda(c, k.n), rand.New(rand.NewPCG(1, 1)), func(float64) {})
			if err != nil {
				t.Fatal(err)
			}
			x, y := k.objective(exact, s, c), k.objective(batches, s, c)
			t.Logf("several %v, C %v: exact %.5f, batches %.5f", several, c, x, y)
			if math.Abs(x-y) > 0.02*x+0.005 {
				t.Errorf("several %v, C %v: the objective is %.5f exactly and %.5f by mini-batches", several, c, x, y)
			}
		}
	}
}

// objective is the mean log loss with its penalty, the bias left out.
func (t *task) objective(l linear, s scaling, c float64) float64 {
	var sum float64
	q := quantise(l, t.dims)
	z := make([]float32, len(t.labels))
	for i, v := range t.vectors {
		q.logits(v, z)
		sum += lossOf(t.several, z, t.targets[i])
	}
	var square float64
	for _, w := range l.w {
		square += float64(w/s.factor) * float64(w/s.factor)
	}
	return sum/float64(t.n) + lambda(c, t.n)/2*square
}
