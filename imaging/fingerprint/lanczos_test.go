package fingerprint

import (
	"math"
	"testing"
)

func TestResample(t *testing.T) {
	t.Parallel()
	flat := Plane{13, 11, make([]uint8, 13*11)}
	for i := range flat.Pix {
		flat.Pix[i] = 77
	}
	for _, v := range flat.resample(5, 7).Pix {
		if v != 77 {
			t.Fatalf("a flat plane becomes %d", v)
		}
	}
	// Waves that the smaller scale can show come out as they are, in their place.
	wave := func(w, h int) Plane {
		p := Plane{w, h, make([]uint8, w*h)}
		for i := range p.Pix {
			x, y := (float64(i%w)+0.5)/float64(w), (float64(i/w)+0.5)/float64(h)
			p.Pix[i] = uint8(128.5 + 100*math.Cos(9*math.Pi*x)*math.Cos(5*math.Pi*y))
		}
		return p
	}
	got, want := wave(300, 200).resample(90, 60), wave(90, 60)
	for i, v := range got.Pix {
		if d := int(v) - int(want.Pix[i]); d < -2 || d > 2 {
			t.Fatalf("sample %d: %d, want %d", i, v, want.Pix[i])
		}
	}
	if v := want.between(10.5, 20); math.Abs(v-float64(want.Pix[20*90+10])) > 10 {
		t.Errorf("between samples: %v", v)
	}
}
