package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"testing"

	"inlet/imaging/fingerprint"
)

// Whatever the bytes are: Inspect does not panic, tells the file's fault from
// others, stays within its memory, and refuses nothing that Go's decoders
// decode.
func fuzzInspect(f *testing.F, format Format, takes func(data []byte) bool) {
	for _, s := range samplesOf(f, format) {
		f.Add(s.data)
	}
	if bomb := bombs()[format]; bomb != nil {
		f.Add(bomb)
	}
	const maxPixels, memory = 1 << 20, 16 << 20
	in := NewInspector(maxPixels, memory)
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		info, err := in.Inspect(t.Context(), bytes.NewReader(data), int64(len(data)), format)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20+64*uint64(len(data)) {
			t.Errorf("took %d bytes for a file of %d", spent, len(data))
		}
		if err == nil {
			if info.Width < 1 || info.Height < 1 || info.Frames < 1 || info.Width*info.Height*info.Frames > maxPixels {
				t.Errorf("%d×%d, %d frames", info.Width, info.Height, info.Frames)
			}
			return
		}
		if !errors.Is(err, ErrUndecodable) && !errors.Is(err, ErrTooManyPixels) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v", err)
		}
		if errors.Is(err, ErrUndecodable) && takes != nil && takes(data) {
			t.Errorf("refused, yet it decodes: %v", err)
		}
	})
}

func FuzzInspectJPEG(f *testing.F) { fuzzInspect(f, JPEG, nil) } // dcjpeg says where it is stricter
func FuzzInspectPNG(f *testing.F) {
	fuzzInspect(f, PNG, func(data []byte) bool { return decodes(PNG, data) })
}
func FuzzInspectGIF(f *testing.F) { fuzzInspect(f, GIF, nil) } // extensions are read otherwise
func FuzzInspectBMP(f *testing.F) {
	fuzzInspect(f, BMP, func(data []byte) bool { return decodes(BMP, data) })
}
func FuzzInspectTIFF(f *testing.F) { fuzzInspect(f, TIFF, nil) } // x/image ignores planes
func FuzzInspectWebP(f *testing.F) { fuzzInspect(f, WebP, nil) } // x/image reads no further than the picture
func FuzzInspectHEIC(f *testing.F) { fuzzInspect(f, HEIC, nil) }

// Whatever the bytes are, Picture does not panic, keeps to its memory, and gives
// a picture that is whole.
func FuzzPicture(f *testing.F) {
	m := newMovie()
	all := append(samples(f), sample{"", GIF, m.gif(f)}, sample{"", PNG, m.apng(f, nil)}, sample{"", PNG, m.apng(f, m.frames[0])},
		sample{"", TIFF, pagedTIFF(binary.LittleEndian, manyPages(3), -1)})
	for _, name := range []string{"alpha.webp", "alpha-lossless.webp", "animated-lossless.webp", "interlaced.png", "tiled.tif"} {
		all = append(all, sceneFile(f, "scenes/"+name))
	}
	for _, s := range all {
		for frame := range 3 {
			f.Add(uint8(slices.Index(Formats, s.format)), s.data, frame, frame == 1)
		}
	}
	const maxPixels, memory = 1 << 18, 8 << 20
	in := NewInspector(maxPixels, memory)
	f.Fuzz(func(t *testing.T, format uint8, data []byte, frame int, full bool) {
		want := Want{fingerprint.Side, frame}
		if full {
			want.Side = fingerprint.FullSide
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := in.Picture(t.Context(), bytes.NewReader(data), int64(len(data)), Formats[int(format)%len(Formats)], want)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 48<<20+2048*uint64(len(data)) {
			t.Errorf("took %d bytes for a file of %d", spent, len(data))
		}
		if err != nil {
			if !errors.Is(err, ErrUndecodable) && !errors.Is(err, ErrTooManyPixels) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrNotReady) {
				t.Errorf("%v", err)
			}
			return
		}
		if p.Width < 1 || p.Height < 1 || p.Width*p.Height > maxPixels || len(p.Luma.Pix) != p.Luma.W*p.Luma.H || max(p.Luma.W, p.Luma.H) > want.Side {
			t.Errorf("%d×%d of %d×%d", p.Luma.W, p.Luma.H, p.Width, p.Height)
		}
		fingerprint.Of(p)
	})
}
