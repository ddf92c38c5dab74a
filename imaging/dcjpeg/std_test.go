package dcjpeg_test

import (
	"image"
	"testing"

	"inlet/imaging/dcjpeg"
)

// How far a sample may be from the mean of the standard library's pixels. These
// are cut off at black and white one by one; where a coarsely quantised block
// overshoots, its mean moves, and the DC term knows nothing of it.
const (
	photos  = 4
	extreme = 12
)

// compare holds a picture against the standard library's, averaged over blocks.
func compare(t *testing.T, name string, m *dcjpeg.Image, std image.Image, most int) {
	t.Helper()
	if b := std.Bounds(); m.Width != b.Dx() || m.Height != b.Dy() {
		t.Fatalf("%s: %d×%d, want %v", name, m.Width, m.Height, b)
	}
	switch std := std.(type) {
	case *image.Gray:
		comparePlane(t, name+" grey", m.Y, std.Pix, std.Stride, most)
	case *image.YCbCr:
		comparePlane(t, name+" Y", m.Y, std.Y, std.YStride, most)
		comparePlane(t, name+" Cb", m.Cb, std.Cb, std.CStride, most)
		comparePlane(t, name+" Cr", m.Cr, std.Cr, std.CStride, most)
	default:
		t.Errorf("%s: image/jpeg gives %T", name, std)
	}
}

// comparePlane averages 8×8 blocks of pix, which has whole blocks at its edges.
func comparePlane(t *testing.T, name string, p dcjpeg.Plane, pix []uint8, stride, most int) {
	t.Helper()
	sum, worst := 0, 0
	for y := range p.H {
		for x := range p.W {
			mean := 0
			for i := range 64 {
				mean += int(pix[(8*y+i/8)*stride+8*x+i%8])
			}
			diff := (mean+32)/64 - int(p.Pix[y*p.Stride+x])
			sum += max(diff, -diff)
			worst = max(worst, diff, -diff)
		}
	}
	if mean := float64(sum) / float64(p.W*p.H); mean > 1 || worst > most {
		t.Errorf("%s differs by %.2f on average and %d at most", name, mean, worst)
	}
}
