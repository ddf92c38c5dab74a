package fingerprint

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	// strewn puts so many rectangles of ink on paper, of up to w×h samples.
	strewn := func(paper, ink uint8, n, w, h int) Plane {
		m := image.NewRGBA(image.Rect(0, 0, 640, 480))
		paint(m, m.Rect, color.RGBA{paper, paper, paper, 255})
		r := rand.New(rand.NewPCG(1, 9))
		for range n {
			x, y := r.IntN(640), r.IntN(480)
			paint(m, image.Rect(x, y, x+1+r.IntN(w), y+1+r.IntN(h)), color.RGBA{ink, ink, ink, 255})
		}
		return pictureOf(m, 1).Luma
	}
	for _, c := range []struct {
		name string
		p    Plane
		want bool
	}{
		{"print", strewn(240, 20, 2000, 3, 12), true},
		{"print in the dark", strewn(20, 240, 2000, 3, 12), true},
		{"things", strewn(240, 20, 20, 70, 70), false},
		{"lights in the dark", strewn(10, 250, 20, 70, 70), false},
		{"paper", strewn(240, 20, 1, 3, 3), false},
		{"a photo", pictureOf(landscape(2, 640, 480), 1).Luma, false},
		{"nothing", Plane{}, false},
	} {
		if got := document(c.p); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
