package quality

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"inlet/imaging/fingerprint"
)

// drawn makes a source of luma alone, 640×480.
func drawn(luma func(x, y int) float64) Source {
	const w, h = 640, 480
	p := &fingerprint.Picture{Width: w, Height: h, Luma: plane(w, h, 0), Cb: plane(64, 48, 128), Cr: plane(64, 48, 128)}
	for y := range h {
		for x := range w {
			p.Luma.Pix[y*w+x] = uint8(max(0, min(255, luma(x, y)+0.5)))
		}
	}
	return Source{Width: w, Height: h, Picture: p}
}

func plane(w, h int, v uint8) fingerprint.Plane {
	p := fingerprint.Plane{W: w, H: h, Pix: make([]uint8, w*h)}
	for i := range p.Pix {
		p.Pix[i] = v
	}
	return p
}

// scene is like a photo: noise, and discs whose edges are blurred.
func scene(blur float64) func(x, y int) float64 {
	noise := rand.New(rand.NewPCG(1, 2))
	return func(x, y int) float64 {
		v := 70 + 60*math.Sin(float64(x)/90)*math.Cos(float64(y)/70) + noise.NormFloat64()*0.5
		for i := range 24 {
			cx, cy, r := float64(i*211%640), float64(i*137%480), float64(25+i*7%40)
			inside := r - math.Hypot(float64(x)-cx, float64(y)-cy)
			v += 40 * (1 + math.Erf(inside/(math.Sqrt2*blur))) / 2
		}
		return v
	}
}

// TestSharpness: the number is that of the blur that the picture was given.
func TestSharpness(t *testing.T) {
	t.Parallel()
	for blur, want := range map[float64][2]float32{
		0.1: {0.75, 1}, 1: {0.4, 0.6}, 2: {0.15, 0.25}, 4: {0.04, 0.17},
	} {
		q := Measure(drawn(scene(blur)))
		if q.Sharpness < want[0] || q.Sharpness > want[1] {
			t.Errorf("blurred by %v: %v, want %v", blur, q.Sharpness, want)
		}
		if got := slices.Contains(q.Flags, Blurry); q.Kind != Photo || got != (blur >= 2) {
			t.Errorf("blurred by %v: a %s with %q", blur, q.Kind, q.Flags)
		}
	}
}

// TestBlocks: an eighth hides what the ends of blocks tell.
// Stripes and a bar code are sharp, though nothing changes along them.
func TestSharpnessOneWay(t *testing.T) {
	t.Parallel()
	for name, luma := range map[string]func(x, y int) float64{
		"stripes": func(x, _ int) float64 { return float64(x / 16 % 2 * 220) },
		"lines":   func(_, y int) float64 { return float64(y / 23 % 2 * 220) },
	} {
		if q := Measure(drawn(luma)); q.Sharpness < 0.75 || slices.Contains(q.Flags, Blurry) {
			t.Errorf("%s: %v, %q", name, q.Sharpness, q.Flags)
		}
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	src := drawn(scene(0.1))
	src.Width, src.Height = 8*640, 8*480
	blocks := func(end uint8, step uint16) *Blocks {
		b := &Blocks{Ends: make([]uint8, 4800)}
		for i := range b.Ends {
			b.Ends[i] = max(1, end*uint8(i%20/19))
		}
		for i := range b.Steps {
			b.Steps[i] = step
		}
		return b
	}
	if fine, coarse := blocks(64, 10).blur(), blocks(6, 10).blur(); fine > 0.7 || coarse < 3 {
		t.Errorf("all coefficients mean a blur of %v, the first six %v", fine, coarse)
	}
	if careful, rough := blocks(20, 2).blur(), blocks(20, 40).blur(); careful <= rough {
		t.Errorf("small steps mean a blur of %v, large ones %v", careful, rough)
	}
	for bits, want := range map[float64]float64{0: 0.8, 0.2: 2, 3: 0.8} {
		if got := (&Blocks{FineBits: bits}).blur(); got != want {
			t.Errorf("%v bits a block of a progressive file mean a blur of %v, want %v", bits, got, want)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	noise := rand.New(rand.NewPCG(5, 6))
	small := drawn(scene(0.1))
	small.Width, small.Height = 223, 224
	for name, test := range map[string]struct {
		src  Source
		want []string
	}{
		"nothing is wrong":      {drawn(scene(0.3)), nil},
		"a cap before the lens": {drawn(func(int, int) float64 { return 4 + noise.NormFloat64() }), []string{Blank}},
		"white":                 {drawn(func(int, int) float64 { return 255 }), []string{Blank}},
		"a thin line":           {drawn(func(x, _ int) float64 { return 255 - 200*float64(x/320*(321-min(x, 321))) }), nil},
		"small":                 {small, []string{Small}},
		"tiny":                  {Source{Width: 12, Height: 12, Picture: &fingerprint.Picture{Width: 12, Height: 12}}, []string{Small}},
		"not decoded":           {Source{Width: 4000, Height: 3000}, nil},
		"dark":                  {drawn(func(x, y int) float64 { return scene(0.3)(x, y) / 5 }), []string{Dark}},
	} {
		got := Measure(test.src).Flags
		if name == "white" || name == "a cap before the lens" {
			got = slices.DeleteFunc(got, func(f string) bool { return f == Dark || f == Bright })
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	q := Measure(drawn(func(x, _ int) float64 { return float64(255 * (x / 320)) }))
	if q.Exposure != 0.5 || q.Contrast != 1 || q.Clipped != 1 || q.Colourfulness != 0 || q.Flat < 0.99 {
		t.Errorf("half black, half white: %+v", q)
	}
	if got := q.Numbers(); got != [6]float32{q.Sharpness, q.Exposure, q.Contrast, q.Clipped, q.Colourfulness, q.Flat} {
		t.Errorf("%v", got)
	}
	if q := Measure(Source{Width: 4000, Height: 3000}); q.Measured || q.Kind != "" || q.Numbers() != [6]float32{} {
		t.Errorf("not decoded: %+v", q)
	}
}

// TestCamera: what a camera exposed is not drawn.
func TestCamera(t *testing.T) {
	t.Parallel()
	src := drawn(func(x, y int) float64 { return float64(x / 80 % 2 * (y / 80 % 2) * 200) })
	if k := Measure(src).Kind; k == Photo {
		t.Errorf("squares are a %s", k)
	}
	src.Camera = true
	if k := Measure(src).Kind; k != Photo && k != Document {
		t.Errorf("a camera made a %s", k)
	}
}

func FuzzMeasure(f *testing.F) {
	f.Add(3, 2, 1, 1, []byte{1, 2, 3, 200, 100, 50}, []byte{64, 1})
	f.Add(20, 20, 1<<30, 1<<30, []byte{7}, []byte{})
	f.Fuzz(func(t *testing.T, w, h, width, height int, pixels, ends []byte) {
		w, h = 1+(w&0x3f), 1+(h&0x3f)
		src := Source{Width: width, Height: height, Picture: &fingerprint.Picture{Luma: plane(w, h, 9), Cb: plane(2, 2, 0), Cr: plane(2, 2, 255)}}
		copy(src.Picture.Luma.Pix, pixels)
		src.Blocks = &Blocks{Ends: ends}
		q := Measure(src)
		for i, v := range q.Numbers() {
			if !(v >= 0 && v <= 1) {
				t.Errorf("number %d is %v", i, v)
			}
		}
		for i, v := range q.Features() {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Errorf("feature %d is %v", i, v)
			}
		}
		if kinds := Kinds(); !slices.Contains(kinds[:], q.Kind) {
			t.Errorf("kind %q", q.Kind)
		}
	})
}

func BenchmarkMeasure(b *testing.B) {
	src := drawn(scene(0.3))
	b.ReportAllocs()
	for b.Loop() {
		Measure(src)
	}
}
