package features_test

import (
	"testing"

	"inlet/learn/features"
)

func BenchmarkExtract(b *testing.B) {
	p := noise(448, 299)
	e := features.New(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Extract(b.Context(), p, [6]float32{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
