package features_test

import (
	"testing"

	"inlet/learn/features"
	"inlet/learn/net"
)

func BenchmarkExtract(b *testing.B) {
	nets, err := net.Load()
	if err != nil {
		b.Skip(err)
	}
	p := noise(448, 299)

	for name, e := range map[string]*features.Extractor{"hand": features.New(nil), "both": features.New(nets)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Extract(b.Context(), p, [6]float32{}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
