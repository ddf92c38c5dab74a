package net

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inlet/learn/gemm"
)

// TestReview compares with what TensorFlow.js computes from the package's own file.
// The weights are not in the repository: "make reviewer" writes them.
func TestReview(t *testing.T) {
	t.Parallel()
	r, err := LoadReviewer("reviewer.bin")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no weights: make reviewer writes them")
	}
	if err != nil {
		t.Fatal(err)
	}

	data, err := os.ReadFile("testdata/review.json")
	if err != nil {
		t.Fatal(err)
	}
	var pictures []struct {
		Seed    int
		Classes []float32
	}
	if err := json.Unmarshal(data, &pictures); err != nil {
		t.Fatal(err)
	}
	for _, want := range pictures {
		got, err := r.Review(t.Context(), draw(want.Seed, ReviewSquare), nil)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "classes", got[:], want.Classes)
	}
}

func TestReviewerRefuses(t *testing.T) {
	t.Parallel()
	if _, err := LoadReviewer(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}

	// The embedded nets are sound, and another net.
	path := filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(path, file(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadReviewer(path); err == nil || !strings.Contains(err.Error(), "stage 0: a tensor of 27×48, not 27×32") {
		t.Error(err)
	}
}

func TestReviewEnded(t *testing.T) {
	t.Parallel()
	r := &Reviewer{slot: make(chan struct{})} // the slot is taken
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Review(ctx, draw(1, ReviewSquare), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := r.Review(t.Context(), nil, nil); err == nil {
		t.Error("an empty picture went through")
	}
}

// naive is a layer as its definition says, in float64. matrix has the weights.
func (l *layer) naive(in, matrix []float32) []float32 {
	out := make([]float32, l.after*l.after*l.out)
	for i := range out {
		y, x, c := i/l.out/l.after*l.stride, i/l.out%l.after*l.stride, i%l.out
		if l.same {
			y, x = y-l.height/2, x-l.width/2
		}
		sum, top, count := 0.0, math.Inf(-1), 0
		for row := range l.height {
			for column := range l.width {
				v, u := y+row, x+column
				if v < 0 || v >= l.before || u < 0 || u >= l.before {
					continue
				}
				pixel := in[(v*l.before+u)*l.in:][:l.in]
				if l.kind != convolution {
					sum, top, count = sum+float64(pixel[c]), max(top, float64(pixel[c])), count+1
					continue
				}
				for k, value := range pixel {
					sum += float64(value) * float64(matrix[((row*l.width+column)*l.in+k)*l.out+c])
				}
			}
		}
		out[i] = float32(map[kind]float64{convolution: max(sum, 0), highest: top, mean: sum / float64(max(count, 1))}[l.kind])
	}
	return out
}

func TestLayer(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, o := range []op{
		conv(5, 1, 1), conv(5, 3, 3), conv(5, 5, 5), conv(5, 1, 7), conv(5, 7, 1), conv(5, 1, 3),
		inner(5, 3, 1), inner(5, 3, 2), inner(5, 1, 1), halve, smooth,
	} {
		const side, channels, beside = 9, 3, 4
		l, in := o.layer(side, channels), random(r, side*side*channels)
		matrix := random(r, o.height*o.width*channels*o.channels)
		if o.kind == convolution {
			l.weights = new(gemm.Packed)
			l.weights.Pack(o.height*o.width*channels, o.channels, matrix, o.channels, nil)
		}
		want := l.naive(in, matrix)

		// Beside the output's values stand others, which stay. A few columns make
		// the layer compute a row at a time.
		for _, columns := range []int{l.height * l.width * l.in * l.after, 1 << 16} {
			out := random(r, l.after*l.after*(l.out+beside))
			before := append([]float32(nil), out...)
			l.run(pixels{in, channels}, pixels{out, l.out + beside}, make([]float32, columns))
			for i, got := range out {
				pixel, c := i/(l.out+beside), i%(l.out+beside)
				expected := before[i]
				if c < l.out {
					expected = want[pixel*l.out+c]
				}
				if !(math.Abs(float64(got-expected)) < 1e-4) {
					t.Fatalf("%+v: value %d of pixel %d is %v, not %v", o, c, pixel, got, expected)
				}
			}
		}
	}
}
