package imaging_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"

	"inlet/imaging"
)

func small(t testing.TB, f imaging.Format, data []byte) *image.RGBA {
	t.Helper()
	m, err := imaging.NewInspector(100e6, 64<<20).Small(t.Context(), bytes.NewReader(data), int64(len(data)), f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSmallUpright(t *testing.T) {
	t.Parallel()
	want := []string{"0123", "0123", "1032", "3210", "2301", "0213", "2031", "3120", "1302", "0123"}
	// The smaller one is decoded whole, of the larger only an eighth.
	for _, size := range []image.Point{{240, 160}, {2403, 1805}} {
		data := encoded(t, imaging.JPEG, quarters(size.X, size.Y))
		for o := range 10 {
			if got := shows(small(t, imaging.JPEG, turned(data, byte(o)))); got != want[o] {
				t.Errorf("%v, orientation %d: shows %s, want %s", size, o, got, want[o])
			}
		}
	}
}

func TestSmallSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ size, want image.Point }{
		{image.Pt(1, 1), image.Pt(1, 1)},
		{image.Pt(300, 200), image.Pt(300, 200)},
		{image.Pt(447, 600), image.Pt(447, 600)},
		{image.Pt(448, 600), image.Pt(224, 300)},
		{image.Pt(3000, 1800), image.Pt(375, 225)},
		{image.Pt(5000, 3500), image.Pt(625, 437)},
		{image.Pt(10000, 1), image.Pt(2048, 1)},
		{image.Pt(7, 9000), image.Pt(1, 2048)},
	} {
		for _, f := range []imaging.Format{imaging.PNG, imaging.JPEG} {
			if got := small(t, f, encoded(t, f, quarters(c.size.X, c.size.Y))).Rect.Size(); got != c.want {
				t.Errorf("%s of %v becomes %v, want %v", f, c.size, got, c.want)
			}
		}
	}
}

func TestSmallOpaqueOverWhite(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	for x := range 300 {
		m.SetNRGBA(x, 0, color.NRGBA{A: 128})
	}
	got := small(t, imaging.PNG, encoded(t, imaging.PNG, quarters(300, 300)))
	if !got.Opaque() {
		t.Error("an opaque picture became transparent")
	}

	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	got = small(t, imaging.PNG, b.Bytes())
	if !got.Opaque() {
		t.Error("it is not opaque")
	}
	if c := got.RGBAAt(5, 0); c.R < 126 || c.R > 128 {
		t.Errorf("half transparent black over white is %v", c)
	}
	if c := got.RGBAAt(5, 5); c != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("a transparent pixel is %v", c)
	}
}

func TestSmallRefuses(t *testing.T) {
	t.Parallel()
	data := encoded(t, imaging.JPEG, quarters(300, 300))
	in := imaging.NewInspector(100e6, 64<<20)
	for _, f := range []imaging.Format{imaging.HEIC, imaging.AVIF} {
		if _, err := in.Small(t.Context(), bytes.NewReader(data), int64(len(data)), f); !errors.Is(err, imaging.ErrNotReady) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if _, err := in.Small(t.Context(), bytes.NewReader(data[:200]), 200, imaging.JPEG); !errors.Is(err, imaging.ErrUndecodable) {
		t.Errorf("truncated: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, f := range []imaging.Format{imaging.JPEG, imaging.PNG} {
		data := encoded(t, f, quarters(300, 300))
		if _, err := in.Small(ctx, bytes.NewReader(data), int64(len(data)), f); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, cancelled: %v", f, err)
		}
	}
}

func TestSmallOf(t *testing.T) {
	t.Parallel()
	m, err := imaging.SmallOf(quarters(1000, 800), 6)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Rect.Size(); got != image.Pt(266, 333) || shows(m) != "2031" {
		t.Errorf("%v, shows %s", got, shows(m))
	}
}
