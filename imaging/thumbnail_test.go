package imaging_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"sync"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"inlet/imaging"
)

// quarters is a picture whose quarters are red, green, blue and grey, in reading
// order, so that every way of turning it shows.
func quarters(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, corners[2*(2*y/h)+2*x/w])
		}
	}
	return m
}

var corners = []color.RGBA{{220, 30, 30, 255}, {30, 200, 30, 255}, {30, 30, 220, 255}, {128, 128, 128, 255}}

func encoded(t testing.TB, f imaging.Format, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch f {
	case imaging.JPEG:
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 95})
	case imaging.PNG:
		err = png.Encode(&b, m)
	case imaging.GIF:
		err = gif.Encode(&b, m, nil)
	case imaging.BMP:
		err = bmp.Encode(&b, m)
	case imaging.TIFF:
		err = tiff.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// turned adds an EXIF orientation to a JPEG.
func turned(data []byte, orientation byte) []byte {
	block := append([]byte("Exif\x00\x00"), 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
		0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(block)+2))
	return append(append(out, block...), data[2:]...)
}

func thumbnail(t testing.TB, f imaging.Format, data []byte, width int) image.Image {
	t.Helper()
	in := imaging.NewInspector(100e6, 64<<20)
	out, err := in.Thumbnail(t.Context(), bytes.NewReader(data), int64(len(data)), f, width)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("Exif")) {
		t.Error("it has metadata")
	}
	m, err := jpeg.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shows tells which quarters of the original are seen, in reading order.
func shows(m image.Image) string {
	var seen string
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	for _, at := range []image.Point{{w / 4, h / 4}, {3 * w / 4, h / 4}, {w / 4, 3 * h / 4}, {3 * w / 4, 3 * h / 4}} {
		best, distance := 0, 1<<30
		for i, c := range corners {
			r, g, b, _ := m.At(at.X, at.Y).RGBA()
			d := square(int(r>>8)-int(c.R)) + square(int(g>>8)-int(c.G)) + square(int(b>>8)-int(c.B))
			if d < distance {
				best, distance = i, d
			}
		}
		if distance > 3*square(25) {
			seen += "?"
		} else {
			seen += fmt.Sprint(best)
		}
	}
	return seen
}

func square(n int) int { return n * n }

func TestThumbnailUpright(t *testing.T) {
	t.Parallel()
	want := []string{"0123", "0123", "1032", "3210", "2301", "0213", "2031", "3120", "1302", "0123"}
	// The smaller one is decoded whole, of the larger only an eighth.
	for _, size := range []image.Point{{240, 160}, {2403, 1605}} {
		data := encoded(t, imaging.JPEG, quarters(size.X, size.Y))
		for o := range 10 {
			m := thumbnail(t, imaging.JPEG, turned(data, byte(o)), 160)
			if got := shows(m); got != want[o] {
				t.Errorf("%v, orientation %d: shows %s, want %s", size, o, got, want[o])
			}
			height := 107
			if o >= 5 && o <= 8 {
				height = 240
			}
			if got, want := m.Bounds(), image.Rect(0, 0, 160, height); got != want {
				t.Errorf("%v, orientation %d: %v, want %v", size, o, got, want)
			}
		}
	}
}

func TestThumbnailOfEveryFormat(t *testing.T) {
	t.Parallel()
	for _, f := range []imaging.Format{imaging.JPEG, imaging.PNG, imaging.GIF, imaging.BMP, imaging.TIFF} {
		for _, c := range []struct{ w, h, width, wantW, wantH int }{
			{301, 199, 160, 160, 106},
			{100, 50, 160, 100, 50}, // never enlarged
			{1, 1, 160, 1, 1},
			{1000, 2, 160, 160, 1},
			{3, 900, 160, 3, 900},
		} {
			m := thumbnail(t, f, encoded(t, f, quarters(c.w, c.h)), c.width)
			if got, want := m.Bounds(), image.Rect(0, 0, c.wantW, c.wantH); got != want {
				t.Errorf("%s %d×%d: %v, want %v", f, c.w, c.h, got, want)
			}
			if c.h > 10 && c.w > 10 && shows(m) != "0123" {
				t.Errorf("%s %d×%d shows %s", f, c.w, c.h, shows(m))
			}
		}
	}
}

func TestThumbnailOverWhite(t *testing.T) {
	t.Parallel()
	half := image.NewNRGBA(image.Rect(0, 0, 200, 100))
	for i := range half.Pix {
		if i%4 == 3 {
			half.Pix[i] = 128 // black, half transparent
		}
	}
	deep := image.NewNRGBA64(image.Rect(0, 0, 200, 100)) // all transparent
	for name, c := range map[string]struct {
		m    image.Image
		want int
	}{"half": {half, 127}, "16 bits": {deep, 255}} {
		m := thumbnail(t, imaging.PNG, encoded(t, imaging.PNG, c.m), 160)
		r, _, _, _ := m.At(50, 50).RGBA()
		if got := int(r >> 8); got < c.want-3 || got > c.want+3 {
			t.Errorf("%s: %d, want about %d", name, got, c.want)
		}
	}
}

// An area average keeps the mean brightness, whatever the ratio of the sizes.
func TestThumbnailKeepsTheMean(t *testing.T) {
	t.Parallel()
	for _, w := range []int{161, 200, 319, 500, 1281} {
		m := image.NewGray(image.Rect(0, 0, w, 10))
		for i := range m.Pix {
			m.Pix[i] = uint8(255 * (i % 2)) // stripes
		}
		out := thumbnail(t, imaging.PNG, encoded(t, imaging.PNG, m), 160)
		var sum, n int
		for y := range out.Bounds().Dy() {
			for x := range out.Bounds().Dx() {
				r, _, _, _ := out.At(x, y).RGBA()
				sum, n = sum+int(r>>8), n+1
			}
		}
		if mean := sum / n; mean < 123 || mean > 132 {
			t.Errorf("width %d: mean %d", w, mean)
		}
	}
}

func TestThumbnailRefuses(t *testing.T) {
	t.Parallel()
	good := encoded(t, imaging.PNG, quarters(300, 300))
	in := imaging.NewInspector(80_000, 1<<20)
	for name, c := range map[string]struct {
		f    imaging.Format
		data []byte
		want error
	}{
		"heic":            {imaging.HEIC, nil, imaging.ErrNotReady},
		"avif":            {imaging.AVIF, nil, imaging.ErrNotReady},
		"unknown":         {"svg", nil, imaging.ErrUnsupported},
		"no picture":      {imaging.PNG, []byte("x"), imaging.ErrUndecodable},
		"too many pixels": {imaging.PNG, good, imaging.ErrTooManyPixels},
		"truncated":       {imaging.PNG, encoded(t, imaging.PNG, quarters(200, 200))[:200], imaging.ErrUndecodable},
	} {
		_, err := in.Thumbnail(t.Context(), bytes.NewReader(c.data), int64(len(c.data)), c.f, 160)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// Pictures that need more memory than there is are decoded one after another.
func TestThumbnailsAtOnce(t *testing.T) {
	t.Parallel()
	data := encoded(t, imaging.PNG, quarters(400, 400))
	in := imaging.NewInspector(1e6, 1<<20)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := in.Thumbnail(t.Context(), bytes.NewReader(data), int64(len(data)), imaging.PNG, 160); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func BenchmarkThumbnail(b *testing.B) {
	m := quarters(4000, 3000)
	for _, f := range []imaging.Format{imaging.JPEG, imaging.PNG} {
		data := encoded(b, f, m)
		in := imaging.NewInspector(100e6, 256<<20)
		for _, width := range []int{320, 1280} {
			b.Run(fmt.Sprintf("%s/%d", f, width), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := in.Thumbnail(b.Context(), bytes.NewReader(data), int64(len(data)), f, width); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
