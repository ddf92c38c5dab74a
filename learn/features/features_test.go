package features_test

import (
	"image"
	"math/rand/v2"
	"testing"

	"inlet/learn/features"
)

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

func TestHandDims(t *testing.T) {
	t.Parallel()
	if features.HandDims != 2228 {
		t.Error(features.HandDims)
	}
}
