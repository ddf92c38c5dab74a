package fingerprint

import (
	"errors"
	"image"
	"reflect"
	"testing"
)

// By rows comes out what comes out of a whole image, but for the rounding of
// chroma.
func TestNewRows(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{1, 1}, {61, 43}, {1000, 31}, {700, 911}, {2050, 70}} {
		m := image.NewRGBA(image.Rectangle{Max: size})
		for i := range m.Pix {
			m.Pix[i] = uint8(i*i>>5) | uint8(i%4/3*255)
		}
		for orientation := range 10 {
			f := Frame{Width: size.X, Height: size.Y, Scale: 1, Orientation: orientation, Side: Side}
			y := 0
			got, err := NewRows(f, func(rgb []uint8) error {
				for x := range size.X {
					copy(rgb[3*x:3*x+3], m.Pix[m.PixOffset(x, y):])
				}
				y++
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want := New(m, f)
			for i := range want.Cb.Pix {
				if d := int(got.Cb.Pix[i]) - int(want.Cb.Pix[i]); d < -1 || d > 1 {
					t.Fatalf("%v, orientation %d: chroma differs by %d", size, orientation, d)
				}
				if d := int(got.Cr.Pix[i]) - int(want.Cr.Pix[i]); d < -1 || d > 1 {
					t.Fatalf("%v, orientation %d: chroma differs by %d", size, orientation, d)
				}
			}
			got.Cb, got.Cr = want.Cb, want.Cr
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%v, orientation %d: not the same", size, orientation)
			}
		}
	}
}

func TestNewRowsFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := NewRows(Frame{Width: 9, Height: 9, Side: Side}, func([]uint8) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
