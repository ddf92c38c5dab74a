package imaging

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"testing"
)

func TestJPEGQuantisation(t *testing.T) {
	t.Parallel()
	m := image.NewGray(image.Rect(0, 0, 32, 32))
	m.SetGray(3, 3, color.Gray{200})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 50}); err != nil {
		t.Fatal(err)
	}
	in := NewInspector(1e6, 1<<20)
	of := func(data []byte) *source {
		return &source{r: io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))), done: func() error { return nil }}
	}
	q := in.jpegQuantisation(of(b.Bytes()))
	// The table of the standard, row by row.
	if q == nil || q[0] != 16 || q[1] != 11 || q[8] != 12 || q[9] != 12 || q[63] != 99 || q[7] != 61 || q[56] != 72 {
		t.Errorf("got %v", q)
	}
	for n := range min(b.Len(), 200) {
		in.jpegQuantisation(of(b.Bytes()[:n])) // whatever is cut off
	}
	wide := append([]byte{0xff, 0xd8, 0xff, 0xdb, 0, 131, 0x10}, bytes.Repeat([]byte{1, 2}, 64)...)
	wide = append(wide, 0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0)
	if q := in.jpegQuantisation(of(wide)); q == nil || q[0] != 0x102 || q[63] != 0x102 {
		t.Errorf("16 bits: %v", q)
	}
}
