package features_test

import (
	"syscall"
	"testing"
	"time"

	"inlet/learn/features"
	"inlet/learn/net"
)

func BenchmarkExtract(b *testing.B) {
	nets, err := net.Load()
	if err != nil {
		b.Skip(err)
	}
	p := noise(448, 299)

	for name, e := range map[string]*features.Extractor{"hand": features.New(nil, nil), "both": features.New(nets, nil)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				if _, err := e.Extract(b.Context(), p, [6]float32{}, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processorTime(b)-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// processorTime is what the process has used of it: on a busy machine the time that
// passes says little.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
