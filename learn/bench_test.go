package learn_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"inlet/learn"
)

// width is that of the real features.
const width = 4004

// BenchmarkTrain reports processor time and, where Linux tells, the process's peak
// memory. LEARN_HEAVY=1 adds 100,000 pictures (400 MB).
func BenchmarkTrain(b *testing.B) {
	sizes := []struct{ labels, each int }{{2, 8}, {4, 10}, {40, 16}, {20, 150}, {50, 200}}
	if os.Getenv("LEARN_HEAVY") != "" {
		sizes = []struct{ labels, each int }{{50, 2000}}
	}
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dx%d", size.labels, size.each), func(b *testing.B) {
			s := newWorld(1, width, size.labels, 0.5).set(size.each)
			debug.FreeOSMemory()
			_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // forgets the peak so far
			before := processor()
			var m *learn.Model
			for b.Loop() {
				m = train(b, s, learn.Options{Seed: 1, Progress: stages(b)})
			}
			b.ReportMetric((processor()-before).Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(peak(), "peak-MB")
			b.ReportMetric(100*m.Metrics().Accuracy, "%right")
		})
	}
}

// stages logs when each stage begins, with -v.
func stages(b *testing.B) func(string, float64) {
	last, start := "", time.Now()
	return func(stage string, done float64) {
		if stage != last && testing.Verbose() {
			b.Logf("%5.1f s, %3.0f%%: %s", time.Since(start).Seconds(), 100*done, stage)
		}
		last = stage
	}
}

func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is the process's largest resident memory in MB.
func peak() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	_, _ = fmt.Sscan(rest, &kb)
	return kb / 1024
}

func BenchmarkPredict(b *testing.B) {
	w := newWorld(1, width, 100, 0.7)
	m := train(b, w.set(8), learn.Options{Seed: 1})
	v := w.picture(3)
	b.ReportAllocs()
	before := processor()
	for b.Loop() {
		m.Predict(v, -1)
	}
	b.ReportMetric(float64((processor()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkSpread(b *testing.B) {
	w := newWorld(1, width, 50, 0.7)
	var vectors [][]int8
	for _, e := range w.set(40).Examples {
		vectors = append(vectors, e.Vector)
	}
	uncertainty := make([]float32, len(vectors))
	for i := range uncertainty {
		uncertainty[i] = w.rng.Float32()
	}
	for b.Loop() {
		learn.Spread(vectors, uncertainty, 50)
	}
}

func BenchmarkCompare(b *testing.B) {
	s := newWorld(1, width, 20, 0.5).set(100)
	m, old := train(b, s, learn.Options{Seed: 1}), train(b, s, learn.Options{Seed: 2})
	for b.Loop() {
		learn.Compare(m, old, s, 1)
	}
}
