package imaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestInspectSamples(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			info, err := inspectAs(t, s.format, s.data)
			if err != nil {
				t.Fatal(err)
			}
			w, h := sampleWidth, sampleHeight
			if info.Meta.Orientation == 6 {
				w, h = h, w
			}
			if info.Format != s.format || info.Width != w || info.Height != h {
				t.Errorf("%s of %d×%d, want %s of %d×%d", info.Format, info.Width, info.Height, s.format, w, h)
			}
			frames := 1
			if strings.HasPrefix(s.name, "animated") {
				frames = 3
			}
			if info.Frames != frames {
				t.Errorf("%d frames, want %d", info.Frames, frames)
			}
			if known := s.format != BMP && s.format != TIFF; (info.Payload != nil) != known {
				t.Errorf("payload %x", info.Payload)
			}
		})
	}
}

// What the decoders of Go's libraries decode is never refused.
func TestInspectAcceptsWhatDecodes(t *testing.T) {
	t.Parallel()
	all := samples(t)
	for _, c := range corpusOrNone(t, "photos") {
		if f, err := Sniff(c.data[:min(len(c.data), SniffLen)]); err == nil {
			all = append(all, sample{c.File, f, c.data})
		}
	}
	for _, s := range all {
		if _, err := inspectAs(t, s.format, s.data); err != nil && !errors.Is(err, ErrUnsupported) && decodes(s.format, s.data) {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// A file that lost its end is refused wherever it was cut.
func TestInspectTruncated(t *testing.T) {
	t.Parallel()
	// What may be missing without loss: the end marker, the trailer and what
	// fills up the last block or row, all frames of an animation but the first,
	// a TIFF's resolution.
	spare := map[string]int{
		"baseline.jpg": 2, "grey.jpg": 2, "cmyk.jpg": 2, "interlaced.gif": 1, "animated.gif": 3000, "group3.tif": 16, "group4.tif": 16,
	}
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			step := max(1, len(s.data)/300)
			for n := 0; n < len(s.data)-spare[s.name]; n += step {
				_, err := inspectAs(t, s.format, s.data[:n])
				if err == nil {
					t.Fatalf("cut from %d to %d bytes", len(s.data), n)
				}
				if !errors.Is(err, ErrUndecodable) {
					t.Fatalf("cut from %d to %d bytes: %v", len(s.data), n, err)
				}
			}
			if _, err := inspectAs(t, s.format, s.data[:len(s.data)-1-spare[s.name]]); err == nil {
				t.Error("cut at its end")
			}
		})
	}
}

// bombs are headers of pictures that would take 10 GB.
func bombs() map[Format][]byte {
	le := func(v uint32) string { return string([]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}) }
	const side = 50000
	idat := chunkPNG("IDAT", []byte("\x78\x9c\x03\x00\x00\x00\x00\x01"))
	return map[Format][]byte{
		PNG:  append(headPNG(side, side, 16, pngRGBA, 0), append(idat, chunkPNG("IEND", nil)...)...),
		JPEG: []byte("\xff\xd8\xff\xc0\x00\x11\x08\xc3\x50\xc3\x50\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00\xff\xd9"),
		GIF:  []byte("GIF89a\x50\xc3\x50\xc3\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x50\xc3\x50\xc3\x00\x02\x01\x00;"),
		BMP: []byte("BM" + le(0) + le(0) + le(54) + le(40) + le(side) + le(side) + "\x01\x00\x18\x00" + le(0) +
			le(0) + le(0) + le(0) + le(0) + le(0)),
		TIFF: []byte("II*\x00" + le(8) + "\x02\x00" + "\x00\x01\x04\x00" + le(1) + le(side) + "\x01\x01\x04\x00" + le(1) + le(side) + le(0)),
		WebP: []byte("RIFF" + le(22) + "WEBPVP8X" + le(10) + le(0) + "\x4f\xc3\x00\x4f\xc3\x00"),
	}
}

func TestInspectBombs(t *testing.T) {
	for f, data := range bombs() {
		var before, after runtime.MemStats
		in := NewInspector(100_000_000, 256<<20)
		runtime.ReadMemStats(&before)
		_, err := in.Inspect(t.Context(), bytes.NewReader(data), int64(len(data)), f)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooManyPixels) {
			t.Errorf("%s: %v", f, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 {
			t.Errorf("%s: took %d bytes", f, spent)
		}
	}
}

// A picture as large as is taken costs little as long as its pixels are not
// there, also in the kinds that few decoders know.
func TestInspectEmptyPictures(t *testing.T) {
	cmyk := "\xff\xd8\xff\xc0\x00\x14\x08\x27\x0f\x27\x0f\x04\x01\x11\x00\x02\x11\x00\x03\x11\x00\x04\x11\x00" +
		"\xff\xdb\x00\x43\x00" + strings.Repeat("\x01", 64) + "\xff\xc4\x00\x14\x00\x01" + strings.Repeat("\x00", 15) + "\x00" +
		"\xff\xc4\x00\x14\x10\x01" + strings.Repeat("\x00", 15) + "\x00\xff\xda\x00\x0e\x04\x01\x00\x02\x00\x03\x00\x04\x00\x00\x3f\x00\xff\xd9"
	for _, data := range []string{cmyk, strings.Replace(cmyk, "\xff\xc0", "\xff\xc2", 1)} {
		n, err := spent(t, JPEG, []byte(data))
		if !errors.Is(err, ErrUndecodable) || n > 32<<20 {
			t.Errorf("took %d bytes: %v", n, err)
		}
	}
}

func TestInspectCountsFrames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"animated.gif", "animated.png", "animated.webp"} {
		data := sampleNamed(t, name)
		f, _ := Sniff(data)
		in := NewInspector(3*sampleWidth*sampleHeight-1, 1<<20)
		if _, err := in.Inspect(t.Context(), bytes.NewReader(data), int64(len(data)), f); !errors.Is(err, ErrTooManyPixels) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// failing is a disk that breaks off.
type failing struct {
	io.ReaderAt
	good int64
}

var errDisk = errors.New("disk on fire")

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.good {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

// A disk that fails is never taken for a damaged picture.
func TestInspectReaderFails(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		half := int64(len(s.data)) / 2
		if s.format == BMP || s.format == TIFF {
			half = 0 // plain pixels need not be read
		}
		for _, good := range []int64{0, 20, half} {
			in := NewInspector(100_000_000, 256<<20)
			_, err := in.Inspect(t.Context(), failing{bytes.NewReader(s.data), good}, int64(len(s.data)), s.format)
			if !errors.Is(err, errDisk) || errors.Is(err, ErrUndecodable) {
				t.Errorf("%s, %d good bytes: %v", s.name, good, err)
			}
		}
	}
}

func TestInspectCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range samples(t) {
		_, err := NewInspector(1e8, 1<<20).Inspect(ctx, bytes.NewReader(s.data), int64(len(s.data)), s.format)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

func TestInspectUnknownFormat(t *testing.T) {
	t.Parallel()
	if _, err := inspectAs(t, "svg", []byte("<svg/>")); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	for _, f := range Formats {
		if _, err := inspectAs(t, f, nil); !errors.Is(err, ErrUndecodable) {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	in := NewInspector(1e8, 100)
	ctx, cancel := context.WithCancel(t.Context())
	err := in.within(ctx, 1000, func() error { // takes all there is
		cancel()
		return in.within(ctx, 1, func() error { return errors.New("there is room") })
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := in.within(t.Context(), 100, func() error { return nil }); err != nil {
		t.Errorf("what was taken is not given back: %v", err)
	}
}

// corpusOrNone is the corpus, or nothing where it is not there.
func corpusOrNone(t *testing.T, folder string) (files []corpusFile) {
	t.Helper()
	t.Run("corpus", func(t *testing.T) { files = corpus(t, folder) })
	return files
}

func BenchmarkInspect(b *testing.B) {
	for _, s := range benchmarkFiles(b) {
		b.Run(s.name, func(b *testing.B) {
			in := NewInspector(100_000_000, 256<<20)
			b.SetBytes(int64(len(s.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := in.Inspect(b.Context(), bytes.NewReader(s.data), int64(len(s.data)), s.format); err != nil {
					b.Fatal(fmt.Errorf("%s: %w", s.name, err))
				}
			}
		})
	}
}
