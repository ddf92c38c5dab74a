package learn

import (
	"runtime"
	"sync"
)

// mul computes C = A·B (C += A·B if add) for row-major float32 matrices: A is m×k
// with row stride lda, B k×n (ldb), C m×n (ldc).
func mul(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	const block = 256
	for i := range m {
		if !add {
			clear(c[i*ldc : i*ldc+n])
		}
	}
	for p0 := 0; p0 < k; p0 += block {
		p1 := min(p0+block, k)
		for j0 := 0; j0 < n; j0 += block {
			w := min(block, n-j0)
			for i := range m {
				ci := c[i*ldc+j0 : i*ldc+j0+w]
				p := p0
				for ; p+3 < p1; p += 4 {
					a0, a1, a2, a3 := a[i*lda+p], a[i*lda+p+1], a[i*lda+p+2], a[i*lda+p+3]
					b0, b1, b2, b3 := b[p*ldb+j0:][:w], b[(p+1)*ldb+j0:][:w], b[(p+2)*ldb+j0:][:w], b[(p+3)*ldb+j0:][:w]
					for j := range ci {
						ci[j] += a0*b0[j] + a1*b1[j] + a2*b2[j] + a3*b3[j]
					}
				}
				for ; p < p1; p++ {
					a0, b0 := a[i*lda+p], b[p*ldb+j0:][:w]
					for j := range ci {
						ci[j] += a0 * b0[j]
					}
				}
			}
		}
	}
}

// parallel calls f for 0 to n-1 from as many goroutines as there are processors.
// What f(i) writes must not depend on the others, so that results do not depend on
// the number of processors.
func parallel(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}

	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)

	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	wg.Wait()
}

// chunks is the number of pieces of the given size in n.
func chunks(n, size int) int { return (n + size - 1) / size }
