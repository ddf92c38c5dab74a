package fingerprint

import "testing"

func BenchmarkHash(b *testing.B) {
	p := pictureOf(landscape(8, 504, 378), 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := Of(p); !ok {
			b.Fatal("no hash")
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	m := landscape(9, 2016, 1512)
	x, y := pictureOf(m, 1), pictureOf(recodedAt(b, m, 80), 1)
	fx, _, _ := Of(x)
	fy, _, _ := Of(y)
	b.Run("fingerprints", func(b *testing.B) {
		for b.Loop() {
			Compare(fx, fy)
		}
	})
	b.Run("3MP", func(b *testing.B) {
		for b.Loop() {
			Verify(x, y)
		}
	})
}
