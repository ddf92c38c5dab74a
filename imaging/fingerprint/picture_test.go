package fingerprint

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

func TestCutOff(t *testing.T) {
	t.Parallel()
	for l := range 256 {
		for cb := range 256 {
			for cr := range 256 {
				l, cb, cr := uint8(l), uint8(cb), uint8(cr)
				var got, want color.YCbCr
				want.Y, want.Cb, want.Cr = color.RGBToYCbCr(color.YCbCrToRGB(l, cb, cr))
				got.Y, got.Cb, got.Cr = cutOff(l, cb, cr)
				if got != want {
					t.Fatalf("%d, %d, %d: got %v, want %v", l, cb, cr, got, want)
				}
			}
		}
	}
}

// Luma is that of the colours on a screen, whatever the sampling and wherever the
// picture begins.
func TestLumaAsShown(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		m := image.NewYCbCr(image.Rect(0, 0, 75, 61), ratio)
		for _, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
			for i := range plane {
				plane[i] = uint8(rnd.Uint32())
			}
		}
		for _, from := range []image.Point{{0, 0}, {1, 0}, {3, 5}, {6, 1}} {
			part := m.SubImage(image.Rectangle{from, m.Rect.Max}).(*image.YCbCr)
			w, h := part.Rect.Dx(), part.Rect.Dy()
			p := New(part, Frame{Width: w, Height: h, Scale: 1, Side: Side})
			for i, got := range p.Luma.Pix {
				c := part.YCbCrAt(from.X+i%w, from.Y+i/w)
				want := c.Y
				if !surelyShown(c) {
					want, _, _ = color.RGBToYCbCr(color.YCbCrToRGB(c.Y, c.Cb, c.Cr))
				}
				if got != want {
					t.Fatalf("%v from %v, sample %d: got %d, want %d", ratio, from, i, got, want)
				}
			}
		}
	}
}

// surelyShown reports that a colour is certainly one that screens have.
func surelyShown(c color.YCbCr) bool {
	u, v := int(c.Cb)-128, int(c.Cr)-128
	return 9*max(u, -u, v, -v) < 5*min(int(c.Y), 255-int(c.Y))
}
