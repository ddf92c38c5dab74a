package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"image/png"
	"runtime"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"inlet/imaging/fingerprint"
)

// spent is what inspecting a file allocates, all together. Tests that call it
// must not run at the same time as others.
func spent(t *testing.T, f Format, data []byte) (uint64, error) {
	t.Helper()
	in := NewInspector(100_000_000, 256<<20)
	r := bytes.NewReader(data)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := in.Inspect(t.Context(), r, int64(len(data)), f)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// Large files of the kinds that are read as a stream take the memory of small
// ones.
func TestMemoryOfLargeFiles(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("files of 60 MB")
	}
	m := image.NewNRGBA(image.Rect(0, 0, 5000, 3000))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i >> 7)
	}
	plain := encode(t, func(b *bytes.Buffer) error { return tiff.Encode(b, m, nil) })
	if len(plain) < 60e6 {
		t.Fatalf("a TIFF of %d bytes", len(plain))
	}
	half := m.SubImage(image.Rect(0, 0, 2500, 1500)) // compressing takes its time
	for _, s := range []sample{
		{"plain", TIFF, plain},
		{"deflate", TIFF, encode(t, func(b *bytes.Buffer) error { return tiff.Encode(b, half, &tiff.Options{Compression: tiff.Deflate}) })},
		{"bmp", BMP, encode(t, func(b *bytes.Buffer) error { return bmp.Encode(b, m) })},
		{"png", PNG, encode(t, func(b *bytes.Buffer) error { return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(b, half) })},
		{"pages", TIFF, pagedTIFF(binary.LittleEndian, manyPages(60_000), -1)},
	} {
		n, err := spent(t, s.format, s.data)
		t.Logf("%s %s of %d bytes: %d bytes", s.format, s.name, len(s.data), n)
		// Under the race detector pools forget at random.
		most := uint64(4 << 20)
		switch s.name {
		case "pages":
			most = 16 << 20 // a little for each directory, none of it kept
		case "bmp":
			most = 64 << 20 // decoded whole
		}
		if err != nil || n > most {
			t.Errorf("%s %s: took %d bytes: %v", s.format, s.name, n, err)
		}
	}
}

// Large pictures are compared in memory for what is compared, and animations in
// that of a frame.
func TestMemoryOfPictures(t *testing.T) {
	if raced {
		t.Skip("16 megapixels, many times")
	}
	m := image.NewPaletted(image.Rect(0, 0, 4000, 4000), scene(1, 9, 9).Palette)
	long := &gif.GIF{}
	for range 30 {
		long.Image = append(long.Image, scene(uint64(len(long.Image)), 300, 300))
		long.Delay, long.Disposal = append(long.Delay, 5), append(long.Disposal, gif.DisposalPrevious)
	}
	plain := encode(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	strips := encode(t, func(b *bytes.Buffer) error { return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate}) })
	for _, c := range []struct {
		name string
		f    Format
		data []byte
		want Want
		most uint64
	}{
		{"png", PNG, plain, Want{Side: fingerprint.Side}, 3 << 20},
		{"whole png", PNG, plain, Want{Side: fingerprint.FullSide}, 20 << 20},
		{"tiff", TIFF, strips, Want{Side: fingerprint.Side}, 3 << 20},
		{"gif", GIF, encode(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, long) }), Want{fingerprint.Side, 29}, 2 << 20},
	} {
		in := NewInspector(1e8, 64<<20)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := in.Picture(t.Context(), bytes.NewReader(c.data), int64(len(c.data)), c.f, c.want)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > c.most || err != nil {
			t.Errorf("%s: took %d bytes: %v", c.name, n, err)
		} else {
			t.Logf("%s: %d bytes", c.name, n)
		}
	}
}

func manyPages(n int) []tiffPage {
	pages := make([]tiffPage, n)
	for i := range pages {
		pages[i] = tiffPage{0, 2, 2}
	}
	return pages
}

// A WebP of nothing but empty chunks ends early.
func TestMemoryOfManyChunks(t *testing.T) {
	data := append(sampleNamed(t, "lossy.webp"), bytes.Repeat([]byte("junk\x00\x00\x00\x00"), 1<<20)...)
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-riffHeader))
	if n, err := spent(t, WebP, data); n > 16<<20 || !errors.Is(err, ErrUndecodable) {
		t.Errorf("took %d bytes: %v", n, err)
	}
}

func TestMemoryOfHostileFiles(t *testing.T) {
	for _, c := range corpus(t, "hostile") {
		f, err := Sniff(c.data[:min(len(c.data), SniffLen)])
		if err != nil {
			t.Fatal(err)
		}
		if n, err := spent(t, f, c.data); n > 32<<20 {
			t.Errorf("%s took %d bytes: %v", c.File, n, err)
		}
	}
}
