package gemm

// tile is up to 6×16 values of C, and what they are computed from.
type tile struct {
	rows, columns int // of the tile
	k             int

	a        []float32 // value (i, l) is at i·row + l·col
	row, col int
	b        []float32 // k rows of 16
	bias     []float32 // 16 values

	c     []float32
	ldc   int
	add   bool
	limit Limit
}

// multiply computes the tile. One that is narrower than 16 columns is computed
// beside C and copied.
func (t *tile) multiply(simd bool) {
	if t.columns == tileColumns {
		t.run(simd)
		return
	}

	var whole [tileRows * tileColumns]float32
	narrow, c, ldc := *t, t.c, t.ldc
	narrow.c, narrow.ldc, narrow.columns = whole[:], tileColumns, tileColumns
	if t.add {
		for i := range t.rows {
			copy(whole[i*tileColumns:], c[i*ldc:][:t.columns])
		}
	}
	narrow.run(simd)
	for i := range t.rows {
		copy(c[i*ldc:][:t.columns], whole[i*tileColumns:])
	}
}

// run computes a tile of 16 columns with the micro-kernel.
func (t *tile) run(simd bool) {
	if simd {
		t.runSIMD()
		return
	}

	for i := 0; i < t.rows; i += 3 {
		x, y, z := t.values(i), t.values(min(i+1, t.rows-1)), t.values(min(i+2, t.rows-1))
		for j := 0; j < tileColumns; j += 2 {
			sums := triple(x, y, z, t.b[j:])
			for row := range min(t.rows-i, 3) {
				t.store(i+row, j, sums[row])
			}
		}
	}
}

// values returns row i of A.
func (t *tile) values(i int) []float32 {
	a := t.a[i*t.row:]
	if t.col == 1 {
		return a[:t.k]
	}
	gathered := make([]float32, t.k)
	for l := range gathered {
		gathered[l] = a[l*t.col]
	}
	return gathered
}

// triple multiplies three rows of A with two columns of B, which begin its rows of
// 16. Six sums and what they are computed from fit the registers that Go uses;
// with eight it is half as fast.
func triple(x, y, z, b []float32) [3][2]float32 {
	var x0, x1, y0, y1, z0, z1 float32
	y, z = y[:len(x)], z[:len(x)]
	at := 0
	for l, p := range x {
		q, r := y[l], z[l]
		b0, b1 := b[at], b[at+1]
		at += tileColumns

		x0 += p * b0
		y0 += q * b0
		z0 += r * b0
		x1 += p * b1
		y1 += q * b1
		z1 += r * b1
	}
	return [3][2]float32{{x0, x1}, {y0, y1}, {z0, z1}}
}

// store writes two sums from (i, j) on.
func (t *tile) store(i, j int, sums [2]float32) {
	c := t.c[i*t.ldc+j:][:2]
	for k, sum := range sums {
		sum += t.bias[j+k]
		if t.add {
			sum += c[k]
		}
		c[k] = t.limit.of(sum)
	}
}
