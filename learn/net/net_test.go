package net

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tolerance is the largest difference from the reference. Both compute in float32,
// and add in another order.
const tolerance = 1e-4

// load reads the embedded weights, once for all tests: packing them takes a while.
var loaded = sync.OnceValues(Load)

func nets(t testing.TB) *Nets {
	t.Helper()
	n, err := loaded()
	if errors.Is(err, ErrNoWeights) {
		t.Skip("built without weights")
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// draw makes a picture that has edges, gradients and a disc.
// learn/tools/weights/reference.mjs draws the same.
func draw(seed, side int) []byte {
	rgb := make([]byte, 3*side*side)
	for y := range side {
		for x := range side {
			for c := range 3 {
				v := (x*(seed+c+1) + y*(2*seed+3-c)) % 256
				if (x-112)*(x-112)+(y-100)*(y-100) < 60*60 {
					v = 255 - (x*y*(c+1)/64)%256
				}
				if seed == 0 {
					v = 255 // a blank picture
				}
				rgb[3*(y*side+x)+c] = byte(v)
			}
		}
	}
	return rgb
}

// TestReference compares with what TensorFlow.js computes from the packages' own
// files: "npm ci && npm run reference" in learn/tools/weights writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var pictures []struct {
		Seed                       int
		Classes, Mobile, Objectron []float32
	}
	if err := json.Unmarshal(data, &pictures); err != nil {
		t.Fatal(err)
	}

	n := nets(t)
	for _, want := range pictures {
		got, err := n.Features(t.Context(), draw(want.Seed, Square), nil)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "mobile", got.Mobile, want.Mobile)
		near(t, "objectron", got.Objectron, want.Objectron)
		near(t, "classes", got.Classes[:], want.Classes)
	}
}

func near(t *testing.T, name string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d values, not %d", name, len(got), len(want))
	}
	worst := 0.0
	for i := range got {
		worst = max(worst, math.Abs(float64(got[i]-want[i])))
	}
	t.Logf("%s differs by %.1e at most", name, worst)
	if !(worst <= tolerance) {
		t.Errorf("%s differs by %v", name, worst)
	}
}

// TestAtOnce runs more calls than have slots, on different pictures: no call sees
// another's, and each sees the same every time.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	n := nets(t)
	want := map[int]Output{}
	for seed := range 2 {
		output, err := n.Features(t.Context(), draw(seed, Square), nil)
		if err != nil {
			t.Fatal(err)
		}
		want[seed] = output
	}

	var calls sync.WaitGroup
	for i := range 3 * cap(n.slots) {
		calls.Go(func() {
			output, err := n.Features(t.Context(), draw(i%2, Square), nil)
			if err != nil {
				t.Error(err)
			}
			if !reflect.DeepEqual(output, want[i%2]) {
				t.Errorf("call %d differs from the first one of its picture", i)
			}
		})
	}
	calls.Wait()
}

func TestYield(t *testing.T) {
	t.Parallel()
	n := nets(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	yields := 0
	_, err := n.Features(ctx, draw(1, Square), func() {
		if yields++; yields == 7 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || yields != 7 {
		t.Errorf("%v after %d yields, not 7", err, yields)
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	n := &Nets{slots: make(chan struct{})} // every slot is taken
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Features(ctx, draw(1, Square), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWrongSize(t *testing.T) {
	t.Parallel()
	if _, err := nets(t).Features(t.Context(), make([]byte, 3*Square*Square-1), nil); err == nil {
		t.Error("a byte is missing, and nobody minds")
	}
}

// BenchmarkReview needs the file that "make reviewer" writes.
func BenchmarkReview(b *testing.B) {
	r, err := LoadReviewer("reviewer.bin")
	if err != nil {
		b.Skip(err)
	}
	rgb := draw(1, ReviewSquare)
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		if _, err := r.Review(b.Context(), rgb, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorTime(b)-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
}

// BenchmarkFeatures also reports the processor's time, which other work on the
// machine does not lengthen as much.
func BenchmarkFeatures(b *testing.B) {
	n := nets(b)
	rgb := draw(1, Square)
	for name, features := range map[string]func(*run) (result, error){
		"mobile":    func(r *run) (result, error) { return r.network(n.mobile) },
		"objectron": func(r *run) (result, error) { return r.network(n.objectron) },
	} {
		b.Run(name, func(b *testing.B) {
			r := run{pause: b.Context().Err, scratch: newScratch(n.mobile, n.objectron), input: &n.input, rgb: rgb}
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				if _, err := features(&r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processorTime(b)-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
