package gemm

// tile is up to 6×16 values of C, and what they are computed from.
type tile struct {
	rows, columns int // of the tile
	k             int

	a        []float32 // value (i, l) is at i·row + l·col
	row, col int
	b        []float32 // k rows of 16
	bias     []float32 // 16 values

	c          []float32
	ldc        int
	add, relu6 bool
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

	i := 0
	for ; i+2 <= t.rows; i += 2 {
		for j := 0; j < tileColumns; j += 4 {
			t.runPair(i, j)
		}
	}
	if i < t.rows {
		for j := 0; j < tileColumns; j += 4 {
			t.runSingle(i, j)
		}
	}
}

// runPair computes 2×4 values from (i, j) on: as many sums as plain Go can hold in
// registers.
func (t *tile) runPair(i, j int) {
	var s, u [4]float32
	copy(s[:], t.bias[j:])
	u = s

	a0, a1 := t.a[i*t.row:], t.a[(i+1)*t.row:]
	s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
	u0, u1, u2, u3 := s0, s1, s2, s3
	at := 0
	for b := t.b[j:]; len(b) >= 4; b = b[min(tileColumns, len(b)):] {
		x, y := a0[at], a1[at]
		at += t.col

		s0 += x * b[0]
		s1 += x * b[1]
		s2 += x * b[2]
		s3 += x * b[3]
		u0 += y * b[0]
		u1 += y * b[1]
		u2 += y * b[2]
		u3 += y * b[3]
	}
	s, u = [4]float32{s0, s1, s2, s3}, [4]float32{u0, u1, u2, u3}

	t.store(t.c[i*t.ldc+j:], &s)
	t.store(t.c[(i+1)*t.ldc+j:], &u)
}

// runSingle computes 1×4 values from (i, j) on.
func (t *tile) runSingle(i, j int) {
	var s [4]float32
	copy(s[:], t.bias[j:])

	a := t.a[i*t.row:]
	s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
	at := 0
	for b := t.b[j:]; len(b) >= 4; b = b[min(tileColumns, len(b)):] {
		x := a[at]
		at += t.col

		s0 += x * b[0]
		s1 += x * b[1]
		s2 += x * b[2]
		s3 += x * b[3]
	}
	s = [4]float32{s0, s1, s2, s3}

	t.store(t.c[i*t.ldc+j:], &s)
}

// store writes four sums to C.
func (t *tile) store(c []float32, sums *[4]float32) {
	c = c[:4]
	for j, sum := range sums {
		if t.add {
			sum += c[j]
		}
		if t.relu6 {
			sum = min(max(sum, 0), 6)
		}
		c[j] = sum
	}
}
