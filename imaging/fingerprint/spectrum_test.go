package fingerprint

import (
	"image"
	"image/color"
	"math"
	"testing"
)

func TestSpectrum(t *testing.T) {
	t.Parallel()
	var in [samples]float32
	for i := range in {
		in[i] = float32(i*i%97) - 40
	}
	got := spectrum(&in)
	for k := range samples {
		want := 0.0
		for i, v := range in {
			want += float64(v) * math.Cos(math.Pi*float64(k/8)*(float64(i/8)+0.5)/8) * math.Cos(math.Pi*float64(k%8)*(float64(i%8)+0.5)/8) / 4
		}
		if k/8 == 0 {
			want /= math.Sqrt2
		}
		if k%8 == 0 {
			want /= math.Sqrt2
		}
		if math.Abs(want-float64(got[k])) > 1e-3 {
			t.Errorf("frequency %d: %v, want %v", k, got[k], want)
		}
	}
}

// Verify skips work, but reaches the verdicts of Explain.
func TestVerifyIsExplained(t *testing.T) {
	t.Parallel()
	m := landscape(11, 480, 360)
	whole := pictureOf(m, 1)
	kinds := map[Kind]int{}
	for side := 2; side <= 32; side += 3 {
		spot := changed(m, func(m *image.RGBA) {
			paint(m, image.Rect(100, 80, 100+side, 80+side), color.RGBA{120, 130, 120, 255})
		})
		for _, other := range []image.Image{spot, recodedAt(t, spot, 90), recodedAt(t, spot, 30), half(spot)} {
			p := pictureOf(other, 1)
			got, want := Verify(whole, p), Explain(whole, p)
			if got != want.Kind {
				t.Errorf("a spot of %d: %v, but %v", side, got, want)
			}
			kinds[got]++
		}
	}
	if kinds[Match] == 0 || kinds[NearDuplicate] == 0 {
		t.Errorf("not put to the test: %v", kinds)
	}
}
