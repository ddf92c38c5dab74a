package features_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"inlet/learn/features"
	"inlet/learn/net"
)

var update = flag.Bool("update", false, "write the expected vector anew")

// noise is a picture of random colours, opaque.
func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

func filled(w, h int, c color.Color) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

// scene is a picture with edges, gradients and colours.
func scene(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(255 * x / w), uint8(255 * y / h), uint8(x * y), 255}
			if dx, dy := 3*x-w, 3*y-2*h; dx*dx+dy*dy < w*h/4 {
				c = color.RGBA{200, 40, uint8(128 + 100*math.Sin(float64(x+2*y)/9)), 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// both loads the nets once for all tests.
var both = sync.OnceValues(func() (*features.Extractor, error) {
	nets, err := net.Load()
	return features.New(nets, nil), err
})

func extractors(t *testing.T) []*features.Extractor {
	t.Helper()
	e, err := both()
	if errors.Is(err, net.ErrNoWeights) {
		return []*features.Extractor{features.New(nil, nil)}
	}
	if err != nil {
		t.Fatal(err)
	}
	return []*features.Extractor{features.New(nil, nil), e}
}

func TestVersionAndDims(t *testing.T) {
	t.Parallel()
	want := []struct {
		version string
		dims    int
	}{{"hand1", 2228}, {"hand1+mobile1+objectron1", 4004}}
	for i, e := range extractors(t) {
		if e.Version() != want[i].version || e.Dims() != want[i].dims {
			t.Errorf("%s has %d slots, want %v", e.Version(), e.Dims(), want[i])
		}
	}
}

func TestExtremePictures(t *testing.T) {
	t.Parallel()
	nan := float32(math.NaN())
	for name, p := range map[string]*image.RGBA{
		"one pixel": filled(1, 1, color.Black), "a column": noise(1, 10000), "a row": noise(10000, 1), "white": filled(300, 200, color.White),
		"black": filled(300, 200, color.Black), "small": noise(3, 2), "noise": noise(448, 300), "transparent": image.NewRGBA(image.Rect(0, 0, 50, 50)),
	} {
		for _, e := range extractors(t) {
			f, err := e.Extract(t.Context(), p, [6]float32{nan, float32(math.Inf(1)), 3e38, -3e38, 0, 1}, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(f.Vector) != e.Dims() || slices.Contains(f.Vector, math.MinInt8) {
				t.Errorf("%s: %d values, or one of −128", name, len(f.Vector))
			}
			if !(f.Sensitive >= 0 && f.Sensitive <= 1) || min(p.Rect.Dx(), p.Rect.Dy()) < 160 && f.Sensitive != 0 {
				t.Errorf("%s: sensitive %v", name, f.Sensitive)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, e := range extractors(t) {
		for _, empty := range []image.Rectangle{{}, image.Rect(0, 0, 5, 0)} {
			if _, err := e.Extract(t.Context(), image.NewRGBA(empty), [6]float32{}, nil); !errors.Is(err, features.ErrEmpty) {
				t.Errorf("%v: %v", empty, err)
			}
		}
		if _, err := e.Extract(done, noise(10, 10), [6]float32{}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
}

func TestSamePictureSameVector(t *testing.T) {
	t.Parallel()
	p := scene(400, 260)
	moved := image.NewRGBA(image.Rect(-7, 9, 420, 290)) // with other pixels around
	part := image.Rect(3, 20, 403, 280)
	draw.Draw(moved, part, p, image.Point{}, draw.Src)

	for _, e := range extractors(t) {
		want, err := e.Extract(t.Context(), p, [6]float32{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		yields := 0
		got, err := e.Extract(t.Context(), moved.SubImage(part).(*image.RGBA), [6]float32{}, func() { yields++ })
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Vector, want.Vector) || got.Sensitive != want.Sensitive {
			t.Error("a part of a larger image gives another vector")
		}
		if yields == 0 {
			t.Error("it never yielded")
		}
	}
}

// TestExpectedVector holds the vector of a picture against that of another run, maybe
// on another processor. If it fails, the version must change with the file.
func TestExpectedVector(t *testing.T) {
	t.Parallel()
	all := extractors(t)
	e := all[len(all)-1]
	f, err := e.Extract(t.Context(), scene(400, 260), [6]float32{0.5, 0.5, 0.2, 0.1, 0.3, 0.1}, nil)
	if err != nil {
		t.Fatal(err)
	}

	const file = "testdata/vector.bin"
	if *update {
		raw := make([]byte, len(f.Vector))
		for i, v := range f.Vector {
			raw[i] = byte(v)
		}
		if err := os.WriteFile(file, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range f.Vector {
		if d := int(v) - int(int8(want[i])); d < -1 || d > 1 {
			t.Errorf("slot %d is %d, want %d", i, v, int8(want[i]))
		}
	}
	if bytes.Count(want, []byte{0}) > len(want)/2 {
		t.Error("most slots are 0")
	}
}

func FuzzExtract(f *testing.F) {
	f.Add(uint16(3), uint16(5), []byte{1, 2, 3, 255, 0, 0, 9})
	f.Add(uint16(1), uint16(700), []byte{255})
	f.Fuzz(func(t *testing.T, w, h uint16, pixels []byte) {
		p := image.NewRGBA(image.Rect(0, 0, int(w)%1000, int(h)%1000))
		for i := range p.Pix {
			if len(pixels) > 0 {
				p.Pix[i] = pixels[i%len(pixels)]
			}
		}
		got, err := features.New(nil, nil).Extract(t.Context(), p, [6]float32{}, nil)
		if p.Rect.Empty() != errors.Is(err, features.ErrEmpty) || err == nil && len(got.Vector) != features.HandDims {
			t.Errorf("%v: %d values, %v", p.Rect, len(got.Vector), err)
		}
	})
}
