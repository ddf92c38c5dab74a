package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// naive computes the product in float64.
func naive(p product) []float32 {
	c := slices.Clone(p.c)
	for i := range p.m {
		for j := range p.n {
			sum := 0.0
			for l := range p.k {
				sum += float64(p.a.data[i*p.a.row+l*p.a.col]) * float64(p.b.data[l*p.b.row+j*p.b.col])
			}
			if p.add {
				sum += float64(c[i*p.ldc+j])
			}
			c[i*p.ldc+j] = float32(sum)
		}
	}
	return c
}

// random makes values in -1…1.
func random(r *rand.Rand, n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = 2*r.Float32() - 1
	}
	return values
}

// shape makes operands whose rows lie pad values apart.
func shape(r *rand.Rand, m, n, k, pad int, aT, bT, add bool) product {
	p := product{m: m, n: n, k: k, ldc: n + pad, add: add}
	p.a = matrix{random(r, m*(k+pad)), k + pad, 1}
	if aT {
		p.a = matrix{random(r, k*(m+pad)), 1, m + pad}
	}
	p.b = matrix{random(r, k*(n+pad)), n + pad, 1}
	if bT {
		p.b = matrix{random(r, n*(k+pad)), 1, k + pad}
	}
	p.c = random(r, m*(n+pad))
	return p
}

// check compares both micro-kernels with the naive product, and finds writes
// beside C.
func check(t *testing.T, p product) {
	t.Helper()
	want, before := naive(p), slices.Clone(p.c)
	for _, simd := range kernels() {
		copy(p.c, before)
		multiply(simd, p)
		for i, got := range p.c {
			if bound := 1e-6 * (3 + float64(p.k)/4); !(math.Abs(float64(got-want[i])) <= bound) {
				t.Fatalf("simd %v, %d×%d×%d: value %d is %v, not %v", simd, p.m, p.n, p.k, i, got, want[i])
			}
		}
	}
}

// kernels lists the micro-kernels of this processor.
func kernels() []bool {
	if simd {
		return []bool{true, false}
	}
	return []bool{false}
}

func TestMulAwkwardSizes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, m := range []int{0, 1, 2, 3, 4, 5, 6, 7, 12, 97, 101} {
		for _, n := range []int{0, 1, 3, 15, 16, 17, 24, 88} {
			for _, k := range []int{0, 1, 2, 3, 4, 5, 27, 48} {
				for _, add := range []bool{false, true} {
					check(t, shape(r, m, n, k, r.IntN(3), r.IntN(2) == 0, r.IntN(2) == 0, add))
				}
			}
		}
	}
}

func TestMulBlocks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range [][3]int{{7, 1037, 5}, {13, 24, 255}, {13, 24, 256}, {5, 513, 257}, {195, 17, 600}} {
		for _, add := range []bool{false, true} {
			check(t, shape(r, size[0], size[1], size[2], 1, false, false, add))
			check(t, shape(r, size[0], size[1], size[2], 0, true, false, add))
			check(t, shape(r, size[0], size[1], size[2], 2, false, true, add))
		}
	}
}

func TestExportedProducts(t *testing.T) {
	t.Parallel()
	a := []float32{1, 2, 3, 4, 5, 6}
	b := []float32{1, 0, 2, 1, 0, 3}
	aT := []float32{1, 4, 2, 5, 3, 6}
	bT := []float32{1, 2, 0, 0, 1, 3}
	want := []float32{5, 11, 14, 23, 0} // and one value beside C, which stays
	for name, mul := range map[string]func(c []float32){
		"Mul":   func(c []float32) { Mul(2, 2, 3, a, 3, b, 2, c, 2, false) },
		"MulAT": func(c []float32) { MulAT(2, 2, 3, aT, 2, b, 2, c, 2, false) },
		"MulBT": func(c []float32) { MulBT(2, 2, 3, a, 3, bT, 3, c, 2, false) },
	} {
		c := make([]float32, 5)
		if mul(c); !slices.Equal(c, want) {
			t.Errorf("%s: %v, not %v", name, c, want)
		}
	}
}

func TestPacked(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	var packed Packed // reused: a smaller matrix after a larger one
	for _, size := range [][3]int{{98, 136, 700}, {49, 24, 48}, {1, 5, 3}, {50, 33, 256}} {
		m, n, k := size[0], size[1], size[2]
		a, b, bias, before := random(r, m*k), random(r, k*n), random(r, n), random(r, m*n)
		want := naive(product{m: m, n: n, k: k, a: matrix{a, k, 1}, b: matrix{b, n, 1}, c: before, ldc: n, add: true})

		packed.Pack(k, n, b, n, bias)
		for _, limit := range []Limit{Unlimited, Positive, UpToSix} {
			for _, simd := range kernels() {
				c := slices.Clone(before)
				packed.multiply(simd, m, matrix{a, k, 1}, c, n, true, limit)
				for i, got := range c {
					expected := limit.of(want[i] + bias[i%n])
					if !(math.Abs(float64(got-expected)) <= 1e-4) {
						t.Fatalf("simd %v, %v, limit %d: value %d is %v, not %v", simd, size, limit, i, got, expected)
					}
				}
			}
		}
	}
}

func TestPackT(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	b, a := random(r, 20*30), random(r, 4*30)
	want, got := make([]float32, 4*20), make([]float32, 4*20)
	MulBT(4, 20, 30, a, 30, b, 30, want, 20, false)

	var packed Packed
	packed.PackT(30, 20, b, 30, nil)
	packed.Mul(4, a, 30, got, 20, false, Unlimited)
	if !slices.Equal(got, want) {
		t.Error("a packed transpose gives another product")
	}
}

// TestShortSlice holds that nothing is read or written outside of a slice.
func TestShortSlice(t *testing.T) {
	t.Parallel()
	short, long := make([]float32, 3), make([]float32, 4)
	for name, mul := range map[string]func(){
		"a": func() { Mul(2, 2, 2, short, 2, long, 2, long, 2, false) },
		"b": func() { Mul(2, 2, 2, long, 2, short, 2, long, 2, false) },
		"c": func() { Mul(2, 2, 2, long, 2, long, 2, short, 2, false) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a short %s went through", name)
				}
			}()
			mul()
		}()
	}
}

// FuzzMul compares the micro-kernels with the naive product.
func FuzzMul(f *testing.F) {
	f.Add(uint64(1), uint8(7), uint8(17), uint16(300), uint8(1), uint8(5))
	f.Fuzz(func(t *testing.T, seed uint64, m, n uint8, k uint16, pad, flags uint8) {
		r := rand.New(rand.NewPCG(seed, 0))
		check(t, shape(r, int(m), int(n), int(k)%600, int(pad)%9, flags&1 != 0, flags&2 != 0, flags&4 != 0))
	})
}

// BenchmarkPacked multiplies as the nets do.
func BenchmarkPacked(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, size := range [][3]int{{12544, 24, 48}, {12544, 144, 24}, {784, 288, 48}, {196, 816, 136}, {49, 1344, 224}, {49, 224, 1344}} {
		m, n, k := size[0], size[1], size[2]
		a, w, c := random(r, m*k), random(r, k*n), make([]float32, m*n)
		var packed Packed
		packed.Pack(k, n, w, n, nil)
		for _, simd := range kernels() {
			b.Run(fmt.Sprintf("%dx%dx%d/simd=%v", m, n, k, simd), func(b *testing.B) {
				for b.Loop() {
					packed.multiply(simd, m, matrix{a, k, 1}, c, n, false, UpToSix)
				}
				b.ReportMetric(float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}

// BenchmarkTraining multiplies as training does: 512 pictures of 4004 values, 50
// labels.
func BenchmarkTraining(b *testing.B) {
	const pictures, values, labels = 512, 4004, 50
	r := rand.New(rand.NewPCG(11, 12))
	x, w, p := random(r, pictures*values), random(r, labels*values), random(r, pictures*labels)
	b.Run("logits", func(b *testing.B) {
		for b.Loop() {
			MulBT(pictures, labels, values, x, values, w, values, p, labels, false)
		}
	})
	b.Run("gradient", func(b *testing.B) {
		for b.Loop() {
			MulAT(labels, values, pictures, p, labels, x, values, w, values, false)
		}
	})
}
