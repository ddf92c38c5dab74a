package imaging

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
)

// The fuzz tests use an Inspector that takes few pixels, so that what it may
// allocate is known.
const (
	fuzzPixels = 1 << 16
	fuzzMemory = 24 << 20
)

func FuzzSniff(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.data[:min(len(s.data), 64)])
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		format, err := Sniff(head)
		if (err == nil) == errors.Is(err, ErrUnsupported) || (err == nil) == (format == "") {
			t.Fatalf("%q, %v", format, err)
		}
	})
}

func FuzzInspectJPEG(f *testing.F) { fuzzInspect(f, JPEG) }
func FuzzInspectPNG(f *testing.F)  { fuzzInspect(f, PNG) }
func FuzzInspectGIF(f *testing.F)  { fuzzInspect(f, GIF) }
func FuzzInspectTIFF(f *testing.F) { fuzzInspect(f, TIFF) }
func FuzzInspectBMP(f *testing.F)  { fuzzInspect(f, BMP) }
func FuzzInspectWebP(f *testing.F) { fuzzInspect(f, WebP) }

// fuzzInspect holds that any bytes are inspected to one of the errors that the
// package names or to a picture within its bounds, twice the same, with little
// memory.
func fuzzInspect(f *testing.F, format Format) {
	for _, s := range samplesOf(f, format) {
		f.Add(s.data)
	}
	in := NewInspector(fuzzPixels, fuzzMemory)
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := Sniff(data[:min(len(data), SniffLen)]); err != nil || got != format {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		info, err := in.Inspect(t.Context(), bytes.NewReader(data), int64(len(data)), format)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > fuzzMemory {
			t.Errorf("took %d bytes", spent)
		}
		if err != nil {
			if !errors.Is(err, ErrUndecodable) && !errors.Is(err, ErrTooManyPixels) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("an error without a name: %v", err)
			}
			return
		}
		if info.Width < 1 || info.Height < 1 || info.Frames < 1 || info.Width*info.Height*info.Frames > fuzzPixels {
			t.Fatalf("%d×%d, %d frames", info.Width, info.Height, info.Frames)
		}
		again, err := in.Inspect(t.Context(), bytes.NewReader(data), int64(len(data)), format)
		if err != nil || (again.Payload == nil) != (info.Payload == nil) || info.Payload != nil && *again.Payload != *info.Payload {
			t.Fatalf("another answer: %v", err)
		}
	})
}
