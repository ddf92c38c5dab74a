package imaging

import (
	"bytes"
	"image/jpeg"
	"strings"
	"testing"
)

// Animations are shown by their first frame, where it lies on the canvas.
func TestWebPThumbnails(t *testing.T) {
	t.Parallel()
	for _, s := range samplesOf(t, WebP) {
		out, err := NewInspector(1e6, 1<<20).Thumbnail(t.Context(), bytes.NewReader(s.data), int64(len(s.data)), WebP, 160)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		m, err := jpeg.Decode(bytes.NewReader(out))
		if err != nil || m.Bounds().Dx()+m.Bounds().Dy() != sampleWidth+sampleHeight {
			t.Errorf("%s: %v, %v", s.name, m.Bounds(), err)
		}
	}
}

func TestWebPFirstFrameInACorner(t *testing.T) {
	t.Parallel()
	var frame []byte
	for _, s := range samplesOf(t, WebP) {
		if strings.HasPrefix(s.name, "lossy") {
			frame = s.data[webpHeader:]
		}
	}
	const w, h, x, y = 200, 100, 80, 40
	le := func(v int) string { return string([]byte{byte(v), byte(v >> 8), byte(v >> 16)}) }
	file := riff(
		riffChunk("VP8X", []byte("\x02\x00\x00\x00"+le(w-1)+le(h-1))),
		riffChunk("ANIM", make([]byte, 6)),
		riffChunk("ANMF", []byte(le(x/2)+le(y/2)+le(sampleWidth-1)+le(sampleHeight-1)+"\x00\x00\x00\x00"+string(frame))),
	)
	in := NewInspector(1e6, 1<<20)
	out, err := in.Thumbnail(t.Context(), bytes.NewReader(file), int64(len(file)), WebP, 640)
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(out))
	if err != nil || m.Bounds().Dx() != w || m.Bounds().Dy() != h {
		t.Fatalf("%v, %v", m.Bounds(), err)
	}
	if r, g, b, _ := m.At(10, 10).RGBA(); min(r, g, b) < 0xf000 {
		t.Errorf("beside the frame it is not white: %x %x %x", r, g, b)
	}
	if r, g, b, _ := m.At(x+sampleWidth/2, y+sampleHeight/2).RGBA(); min(r, g, b) > 0xf000 {
		t.Error("where the frame should be it is white")
	}
}
