package imaging

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"slices"
	"testing"
)

// A PNG by rows shows what image/png shows.
func TestPNGRows(t *testing.T) {
	t.Parallel()
	in := NewInspector(1e8, 1<<20)
	files := samplesOf(t, PNG)
	for name, head := range map[string][]byte{
		"one grey": slices.Concat(headPNG(4, 1, 2, pngGrey, 0), chunkPNG("tRNS", []byte{0, 1})),
		"one rgb":  slices.Concat(headPNG(2, 1, 8, pngRGB, 0), chunkPNG("tRNS", []byte{0, 7, 0, 7, 0, 7})),
		"one deep": slices.Concat(headPNG(2, 1, 16, pngGrey, 0), chunkPNG("tRNS", []byte{7, 7})),
		"colours":  slices.Concat(headPNG(4, 1, 2, pngPalette, 0), chunkPNG("PLTE", []byte("abcdefghi")), chunkPNG("tRNS", []byte{9, 99})),
	} {
		row := map[string]string{"one grey": "\x1b", "one rgb": "\x07\x07\x07\x07\x07\x08", "one deep": "\x07\x07\x07\x08", "colours": "\x18"}[name]
		data := encode(t, func(b *bytes.Buffer) error {
			z := zlib.NewWriter(b)
			z.Write([]byte("\x00" + row))
			return z.Close()
		})
		files = append(files, sample{name, PNG, slices.Concat(head, chunkPNG("IDAT", data), chunkPNG("IEND", nil))})
	}
	for _, s := range files {
		src := sourceOf(t, s.data)
		if interlaced(src) {
			continue
		}
		m, err := png.Decode(bytes.NewReader(s.data))
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if err := in.pngByRows(src, func(got rows) error { return sameRows(got, m) }); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
	}
}

// sameRows says where rows are not those of a picture.
func sameRows(got rows, m image.Image) error {
	row, want := make([]uint8, 3*got.across), make([]uint8, 3*got.across)
	line := image.NewRGBA(image.Rect(0, 0, got.across, 1))
	for y := range got.down {
		overWhite(m, y, line, want)
		if err := got.next(row); err != nil {
			return fmt.Errorf("row %d: %w", y, err)
		}
		for i := range row {
			if d := int(row[i]) - int(want[i]); d < -2 || d > 2 { // of 16 bits, the upper 8 are blended
				return fmt.Errorf("sample %d of row %d is %d, want %d", i, y, row[i], want[i])
			}
		}
	}
	return nil
}

// readAll reads all rows and adds up their samples.
func readAll(got rows) (sum int, err error) {
	row := make([]uint8, 3*got.across)
	for range got.down {
		if err := got.next(row); err != nil {
			return 0, err
		}
		for _, v := range row {
			sum += int(v)
		}
	}
	return sum, nil
}

func sourceOf(t *testing.T, data []byte) *source {
	t.Helper()
	r := bytes.NewReader(data)
	return &source{r: io.NewSectionReader(r, 0, int64(len(data))), done: t.Context().Err}
}

// Large PNGs are scaled in memory for a few rows.
func TestMemoryOfLargeThumbnails(t *testing.T) {
	if raced {
		t.Skip("16 megapixels")
	}
	m := image.NewPaletted(image.Rect(0, 0, 4000, 4000), color.Palette{color.White, color.Black})
	data := encode(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	in := NewInspector(1e8, 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := in.Thumbnail(t.Context(), bytes.NewReader(data), int64(len(data)), PNG, 320)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 6<<20 || err != nil {
		t.Errorf("took %d bytes: %v", n, err)
	}
}

// A row of 100 million pixels is not read.
func TestMemoryOfLongThumbnails(t *testing.T) {
	const side = 90_000_000
	data := append(headPNG(side, 1, 1, pngGrey, 0), chunkPNG("IDAT", nil)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := NewInspector(1e8, 1<<20).Thumbnail(t.Context(), bytes.NewReader(data), int64(len(data)), PNG, 320)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 || !errors.Is(err, ErrUndecodable) {
		t.Errorf("took %d bytes: %v", n, err)
	}
}

// A narrow picture of 100 million pixels has no thumbnail of as many.
func TestTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		w, h, width int
		turned      bool
		wantW       int
		wantH       int
	}{
		{4000, 3000, 320, false, 320, 240},
		{4000, 3000, 320, true, 427, 320},
		{100, 50, 320, false, 100, 50},
		{1, 100_000_000, 160, false, 1, 65535},
		{1280, 78_125, 1280, false, 371, 22_627},
	} {
		if w, h := target(c.w, c.h, c.width, c.turned); w != c.wantW || h != c.wantH {
			t.Errorf("%d×%d to %d: %d×%d, want %d×%d", c.w, c.h, c.width, w, h, c.wantW, c.wantH)
		}
	}
}

// Lossy WebP has a range of its own for its samples; it must not look washed out.
func TestThumbnailOfLossyWebP(t *testing.T) {
	t.Parallel()
	var means [2][3]int
	for i, name := range []string{"lossless.webp", "lossy.webp"} {
		data := sampleNamed(t, name)
		out, err := NewInspector(1e8, 1<<20).Thumbnail(t.Context(), bytes.NewReader(data), int64(len(data)), WebP, 160)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := jpeg.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		row, line := make([]uint8, 3*sampleWidth), image.NewRGBA(image.Rect(0, 0, sampleWidth, 1))
		for y := range sampleHeight {
			overWhite(m, y, line, row)
			for x, v := range row {
				means[i][x%3] += int(v)
			}
		}
	}
	for c := range 3 {
		a, b := means[0][c]/(sampleWidth*sampleHeight), means[1][c]/(sampleWidth*sampleHeight)
		if a-b > 4 || b-a > 4 {
			t.Errorf("colour %d: %d lossless, %d lossy", c, a, b)
		}
	}
}

func TestJPEGKind(t *testing.T) {
	t.Parallel()
	in := NewInspector(1e8, 1<<20)
	for name, want := range map[string]jpegKind{
		"baseline.jpg": {1.5, true}, "progressive.jpg": {7.5, true}, "grey.jpg": {1, true}, "cmyk.jpg": {8, false}, "lossy.webp": {24, false},
	} {
		if got := in.jpegKind(sourceOf(t, sampleNamed(t, name))); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// FuzzPNGRows holds that rows are read of whatever Inspect accepts.
func FuzzPNGRows(f *testing.F) {
	for _, s := range samplesOf(f, PNG) {
		f.Add(s.data)
	}
	in := NewInspector(1<<16, 1<<20)
	f.Fuzz(func(t *testing.T, data []byte) {
		src := sourceOf(t, data)
		_, err := in.inspect(t.Context(), src, PNG)
		if interlaced(src) {
			return
		}
		failed := in.pngByRows(src, func(got rows) error {
			_, failed := readAll(got)
			return failed
		})
		if err == nil && failed != nil {
			t.Fatalf("accepted, yet %v", failed)
		}
	})
}
