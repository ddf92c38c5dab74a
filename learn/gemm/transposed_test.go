package gemm

import (
	"slices"
	"testing"
)

func TestPackedMulAT(t *testing.T) {
	t.Parallel()
	const m, n, k = 37, 21, 300
	a, b := make([]float32, k*m), make([]float32, k*n)
	for i := range a {
		a[i] = float32(i%17) - 8
	}
	for i := range b {
		b[i] = float32(i%13) - 6
	}
	want, got := make([]float32, m*n), make([]float32, m*n)
	MulAT(m, n, k, a, m, b, n, want, n, false)

	var p Packed
	p.Pack(k, n, b, n, nil)
	p.MulAT(m, a, m, got, n, false, Unlimited)
	if !slices.Equal(got, want) {
		t.Error("a packed product differs from MulAT")
	}
}
