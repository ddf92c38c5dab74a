package features

import (
	"image"
	"image/color"
	"math"
	"testing"
)

// drawnBy colours each pixel by a function of its place.
func drawnBy(w, h int, grey func(x, y int) uint8) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := grey(x, y)
			m.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return m
}

func TestResampleKeepsColours(t *testing.T) {
	t.Parallel()
	p := drawnBy(37, 91, func(int, int) uint8 { return 77 })
	for _, size := range []image.Point{{1, 1}, {224, 224}, {5, 300}, {37, 91}} {
		for i, v := range resample(p, size.X, size.Y).pix {
			if v != 77 {
				t.Fatalf("%v: sample %d is %d", size, i, v)
			}
		}
	}
}

func TestResampleIsCentred(t *testing.T) {
	t.Parallel()
	ramp := drawnBy(256, 256, func(x, y int) uint8 { return uint8((x + y) / 2) })
	small := resample(ramp, 32, 32)
	for i := 4; i < 28; i++ {
		at := small.pix[3*(i*32+i)]
		if want := 8*i + 3; math.Abs(float64(at)-float64(want)) > 1 {
			t.Errorf("at %d it is %d, want %d", i, at, want)
		}
	}
}

func TestSquaredPads(t *testing.T) {
	t.Parallel()
	p := drawnBy(300, 100, func(int, int) uint8 { return 9 })
	s := squared(p, 60, 7)
	for y := range 60 {
		want := [3]uint8{7, 7, 7}
		if y >= 20 && y < 40 {
			want = [3]uint8{9, 9, 9}
		}
		if got := [3]uint8(s.pix[3*(y*60+30):]); got != want {
			t.Errorf("row %d is %v, want %v", y, got, want)
		}
	}
}

func TestHOGDirections(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		grey func(x, y int) uint8
		bins [2]int // where a gradient at the border of two directions goes
	}{
		{"upright stripes", func(x, _ int) uint8 { return uint8(x / 4 % 2 * 200) }, [2]int{0, 8}},
		{"level stripes", func(_, y int) uint8 { return uint8(y / 4 % 2 * 200) }, [2]int{4, 4}},
		{"falling stripes", func(x, y int) uint8 { return uint8((x + y) / 4 % 2 * 200) }, [2]int{2, 1}},
	} {
		values := byHand(drawnBy(64, 64, c.grey), [6]float32{})
		var sums [bins]float32
		for i, v := range values[:hogSlots] {
			sums[i%bins] += v
		}
		for bin, sum := range sums {
			if sum > max(sums[c.bins[0]], sums[c.bins[1]]) {
				t.Errorf("%s: direction %d has %v of %v", c.name, bin, sum, sums)
			}
		}
	}
}

func TestSlots(t *testing.T) {
	t.Parallel()
	// Black at the left, white at the right.
	values := byHand(drawnBy(128, 64, func(x, _ int) uint8 { return uint8(x / 64 * 255) }), [6]float32{1, 2, 3, 4, 5, 6})
	for slot, want := range map[int]float32{
		1764: 0, 1764 + 7: 255, // mean luminance, first row of cells
		1828: 0, 1892: 0, 1956: 0, 2020: 0, 2084: 0, // deviation, blue and red difference
		2148: 0.7071, 2148 + 63: 0.7071, // black and white
		2212 + 7: 0.0884, 2212: 0.9961, // a column of pixels differs
		2220: 0.6931, 2221: 0.6931, // twice as wide as high, two colours
		2222: 1, 2227: 6,
	} {
		if math.Abs(float64(values[slot]-want)) > 1e-3 {
			t.Errorf("slot %d is %v, want %v", slot, values[slot], want)
		}
	}
}

func TestStandardFile(t *testing.T) {
	t.Parallel()
	if want := 8 * (HandDims + NetDims); len(standardFile) != want {
		t.Fatalf("it has %d bytes, want %d", len(standardFile), want)
	}
	s := readStandard(standardFile, HandDims+NetDims)
	for i := range s.mean {
		if mean, by := float64(s.mean[i]), float64(s.by[i]); math.IsNaN(mean) || math.IsInf(mean, 0) || !(by >= 0) || by > 1e6 {
			t.Errorf("slot %d: mean %v, by %v", i, mean, by)
		}
	}

	// A damaged file leaves slots at 0.
	s = readStandard(standardFile[:100], HandDims)
	if got := s.quantise(make([]float32, HandDims)); got[HandDims-1] != 0 {
		t.Error(got[HandDims-1])
	}
}

func TestQuantise(t *testing.T) {
	t.Parallel()
	n := HandDims + 5
	s := standard{make([]float32, n), make([]float32, n)}
	for i := range n {
		s.mean[i], s.by[i] = 10, 0.5
	}
	s.by[n-1] = 0
	values := make([]float32, n)
	copy(values, []float32{10, 12, -1e30, 1e30})
	copy(values[HandDims:], []float32{10, 12, -1e30, 1e30, 99})

	got := s.quantise(values)
	for slot, want := range map[int]int8{
		0: 0, 1: 13, 2: -51, 3: 51, // by hand
		HandDims: 0, HandDims + 1: 32, HandDims + 2: -127, HandDims + 3: 127, HandDims + 4: 0,
	} {
		if got[slot] != want {
			t.Errorf("slot %d: %d, want %d", slot, got[slot], want)
		}
	}
}
