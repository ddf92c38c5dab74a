package gemm

// MulAT computes C = Aᵀ·B + bias like Mul, where a holds A as k×m with stride lda.
func (p *Packed) MulAT(m int, a []float32, lda int, c []float32, ldc int, add bool, limit Limit) {
	matrix{a, 1, lda}.check(m, p.k)
	matrix{c, ldc, 1}.check(m, p.n)
	p.multiply(simd, m, matrix{a, 1, lda}, c, ldc, add, limit)
}
