package dcjpeg_test

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"testing"

	"inlet/imaging/dcjpeg"
)

// zigzag lists the rows and columns of an 8×8 block in the order of T.81, figure 5.
func zigzag() (order [64][2]int) {
	n := 0
	for d := range 15 {
		for i := range d + 1 {
			u, v := i, d-i // up to the right
			if d%2 == 0 {
				u, v = d-i, i
			}
			if u < 8 && v < 8 {
				order[n] = [2]int{u, v}
				n++
			}
		}
	}
	return order
}

// TestEnds draws blocks of a single wave each: they end behind its coefficient.
func TestEnds(t *testing.T) {
	t.Parallel()
	d := dcjpeg.NewDecoder()
	for n, at := range zigzag() {
		m := image.NewGray(image.Rect(0, 0, 24, 16))
		for y := range 16 {
			for x := range 24 {
				wave := math.Cos(float64(2*y%16+1)*float64(at[0])*math.Pi/16) * math.Cos(float64(2*x%16+1)*float64(at[1])*math.Pi/16)
				m.SetGray(x, y, color.Gray{uint8(128 + 100*wave)})
			}
		}
		got, err := d.Decode(bytes.NewReader(encode(t, m, 50)), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes.Repeat([]byte{uint8(n + 1)}, 6); !bytes.Equal(got.Ends, want) {
			t.Errorf("coefficient %d (%v): blocks end behind %v", n, at, got.Ends)
		}
		if got.Steps[0] != 16 || got.Steps[63] != 99 {
			t.Errorf("the quantisation table is %v", got.Steps)
		}
	}
}

// TestEndsOfFiles has one for each sample of sequential files alone.
func TestEndsOfFiles(t *testing.T) {
	t.Parallel()
	for name, progressive := range map[string]bool{
		"420.jpg": false, "extended.jpg": false, "restart.jpg": false, "planes.jpg": false, "grey.jpg": false, "progressive.jpg": true,
	} {
		m, err := dcjpeg.NewDecoder().Decode(bytes.NewReader(read(t, name)), 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if progressive != (m.Ends == nil) || !progressive && len(m.Ends) != len(m.Y.Pix) || !progressive && m.FineBytes != 0 {
			t.Errorf("%s: %d ends of %d blocks, %d bytes", name, len(m.Ends), len(m.Y.Pix), m.FineBytes)
		}
		if progressive && m.FineBytes == 0 {
			t.Errorf("%s has no fine detail", name)
		}
		for i, e := range m.Ends {
			if e < 1 || e > 64 {
				t.Fatalf("%s: block %d ends behind %d", name, i, e)
			}
		}
	}
}
