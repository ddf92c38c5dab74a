package gemm

const (
	tileRows    = 6  // of A that the micro-kernel multiplies at once
	tileColumns = 16 // of B

	blockDepth   = 256 // rows of B at once: 16 columns of them are half of a first-level cache
	blockColumns = 512 // of B that multiply packs at once: half a megabyte
	blockRows    = 96  // of A at once: with blockDepth columns 96 KiB
)

// Limit says what becomes of values before they are stored.
type Limit uint8

const (
	Unlimited Limit = iota
	Positive        // at least 0: the activation ReLU
	UpToSix         // 0 to 6: ReLU6
)

// of limits a value.
func (l Limit) of(v float32) float32 {
	switch l {
	case Positive:
		return max(v, 0)
	case UpToSix:
		return min(max(v, 0), 6)
	}
	return v
}

// Packed is a matrix B in the order in which the micro-kernel reads it, for many
// products with the same B. The zero value is an empty matrix; packing again
// reuses its memory.
type Packed struct {
	k, n   int
	panels []float32 // for every 16 columns: k rows of 16, filled up with zeros
	bias   []float32 // of each column, filled up with zeros
}

// Pack makes B (k×n, stride ldb) the packed matrix. bias has a value for each
// column, which every product adds to each of its rows; nil is none.
func (p *Packed) Pack(k, n int, b []float32, ldb int, bias []float32) {
	matrix{b, ldb, 1}.check(k, n)
	p.pack(k, n, matrix{b, ldb, 1})
	copy(p.bias, bias[:min(n, len(bias))])
}

// PackT packs Bᵀ: b holds it as n×k with stride ldb.
func (p *Packed) PackT(k, n int, b []float32, ldb int, bias []float32) {
	matrix{b, 1, ldb}.check(k, n)
	p.pack(k, n, matrix{b, 1, ldb})
	copy(p.bias, bias[:min(n, len(bias))])
}

// Mul computes C = A·B + bias, or C += A·B + bias if add, for A m×k (stride lda)
// and C m×n (ldc). In the end it limits every value.
func (p *Packed) Mul(m int, a []float32, lda int, c []float32, ldc int, add bool, limit Limit) {
	matrix{a, lda, 1}.check(m, p.k)
	matrix{c, ldc, 1}.check(m, p.n)
	p.multiply(simd, m, matrix{a, lda, 1}, c, ldc, add, limit)
}

// Columns is n, the number of B's columns.
func (p *Packed) Columns() int { return p.n }

// pack copies b in panels of 16 columns, without bias.
func (p *Packed) pack(k, n int, b matrix) {
	panels := (n + tileColumns - 1) / tileColumns
	p.k, p.n = k, n
	p.panels = resize(p.panels, panels*k*tileColumns)
	p.bias = resize(p.bias, panels*tileColumns)
	clear(p.bias)

	for j := range panels {
		panel := p.panels[j*k*tileColumns:][:k*tileColumns]
		columns := min(n-j*tileColumns, tileColumns)
		packPanel(panel, columns, matrix{b.data[j*tileColumns*b.col:], b.row, b.col})
	}
}

// packPanel copies the first columns of b into rows of 16.
func packPanel(panel []float32, columns int, b matrix) {
	for i := range len(panel) / tileColumns {
		row := panel[i*tileColumns:][:tileColumns]
		if b.col == 1 {
			copy(row, b.data[i*b.row:][:columns])
		} else {
			for j := range columns {
				row[j] = b.data[i*b.row+j*b.col]
			}
		}
		clear(row[columns:])
	}
}

// resize makes a slice of n values, in the same memory if that suffices.
func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// multiply computes the product in blocks of A, so that a panel of B and a block
// of A stay in the caches.
func (p *Packed) multiply(simd bool, m int, a matrix, c []float32, ldc int, add bool, limit Limit) {
	for l := 0; l < p.k; l += blockDepth {
		t := tile{k: min(p.k-l, blockDepth), row: a.row, col: a.col, ldc: ldc, add: add || l > 0}
		if l+blockDepth >= p.k {
			t.limit = limit
		}

		for i := 0; i < m; i += blockRows {
			rows := min(m-i, blockRows)
			block := matrix{a.data[i*a.row+l*a.col:], a.row, a.col}
			p.multiplyBlock(simd, &t, l, rows, block, c[i*ldc:])
		}
	}
}

// multiplyBlock multiplies some rows of A with t.k rows of B from row l on.
func (p *Packed) multiplyBlock(simd bool, t *tile, l, rows int, a matrix, c []float32) {
	for j := 0; j < p.n; j += tileColumns {
		t.b = p.panels[j*p.k+l*tileColumns:][:t.k*tileColumns]
		t.bias = noBias[:]
		if l == 0 {
			t.bias = p.bias[j:][:tileColumns]
		}

		for i := 0; i < rows; i += tileRows {
			t.rows, t.columns = min(rows-i, tileRows), min(p.n-j, tileColumns)
			t.a, t.c = a.data[i*a.row:], c[i*t.ldc+j:]
			t.multiply(simd)
		}
	}
}

// noBias is what blocks after the first add.
var noBias [tileColumns]float32
