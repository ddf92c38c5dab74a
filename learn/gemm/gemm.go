// Package gemm multiplies float32 matrices on one goroutine.
//
// It follows Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (ACM TOMS 34, 2008): a micro-kernel computes a tile of 6×16
// values of C in registers, from panels of B that lie packed in the first-level
// cache and rows of A in the second. The micro-kernel is AVX2 and FMA assembly,
// which learn/tools/kernels generates; on other processors, and with the build
// tag purego, it is plain Go. The two differ by rounding: FMA rounds once where
// plain Go rounds twice, so equal input gives equal bits on one kind of processor
// and not across kinds.
//
// Matrices are row-major slices with a stride: value (i, j) of a matrix of stride
// s is at index i·s + j. A slice that is too short panics like any index out of
// range, before anything is written.
package gemm

// Mul computes C = A·B, or C += A·B if add. A is m×k with stride lda, B k×n
// (ldb), C m×n (ldc). C must not overlap A or B.
func Mul(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	multiply(simd, product{m: m, n: n, k: k, a: matrix{a, lda, 1}, b: matrix{b, ldb, 1}, c: c, ldc: ldc, add: add})
}

// MulAT computes C = Aᵀ·B like Mul, where a holds A as k×m with stride lda. It
// costs what Mul costs: the micro-kernel reads a by columns.
func MulAT(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	multiply(simd, product{m: m, n: n, k: k, a: matrix{a, 1, lda}, b: matrix{b, ldb, 1}, c: c, ldc: ldc, add: add})
}

// MulBT computes C = A·Bᵀ like Mul, where b holds B as n×k with stride ldb. It
// costs what Mul costs: packing transposes b.
func MulBT(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	multiply(simd, product{m: m, n: n, k: k, a: matrix{a, lda, 1}, b: matrix{b, 1, ldb}, c: c, ldc: ldc, add: add})
}

// Accelerated tells whether products use AVX2 and FMA.
func Accelerated() bool { return simd }

// matrix is a matrix in a slice: value (i, j) is at i·row + j·col.
type matrix struct {
	data     []float32
	row, col int
}

// check panics unless the slice holds all m×n values.
func (x matrix) check(m, n int) {
	if m > 0 && n > 0 {
		_ = x.data[(m-1)*x.row+(n-1)*x.col]
	}
}

// product is a product's operands.
type product struct {
	m, n, k int
	a, b    matrix
	c       []float32
	ldc     int
	add     bool
}

// multiply packs B in blocks that fit the second-level cache, and multiplies A
// with each.
func multiply(simd bool, p product) {
	p.a.check(p.m, p.k)
	p.b.check(p.k, p.n)
	matrix{p.c, p.ldc, 1}.check(p.m, p.n)
	if p.m <= 0 || p.n <= 0 {
		return
	}
	if p.k <= 0 {
		clearUnless(p.add, p.m, p.n, p.c, p.ldc)
		return
	}

	var block Packed
	for j := 0; j < p.n; j += blockColumns {
		columns := min(p.n-j, blockColumns)

		for l := 0; l < p.k; l += blockDepth {
			depth := min(p.k-l, blockDepth)
			block.pack(depth, columns, matrix{p.b.data[l*p.b.row+j*p.b.col:], p.b.row, p.b.col})

			a := matrix{p.a.data[l*p.a.col:], p.a.row, p.a.col}
			block.multiply(simd, p.m, a, p.c[j:], p.ldc, p.add || l > 0, Unlimited)
		}
	}
}

// clearUnless sets C to zero, the product of matrices without values in common,
// unless the product is added.
func clearUnless(add bool, m, n int, c []float32, ldc int) {
	if add {
		return
	}
	for i := range m {
		clear(c[i*ldc : i*ldc+n])
	}
}
