package fingerprint

import (
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
