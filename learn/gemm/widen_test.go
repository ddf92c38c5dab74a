package gemm

import "testing"

func TestWiden(t *testing.T) {
	t.Parallel()
	for n := range 70 {
		src, dst := make([]int8, n), make([]float32, n+1)
		for i := range src {
			src[i] = int8(37*i - 128)
		}
		dst[n] = 7

		Widen(dst, src)
		for i, v := range src {
			if dst[i] != float32(v) {
				t.Fatalf("%d values: %d became %v", n, v, dst[i])
			}
		}
		if dst[n] != 7 {
			t.Fatalf("%d values: wrote one more", n)
		}
	}
}
