package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"testing"

	xvp8l "golang.org/x/image/vp8l"
)

// vp8lData are the lossless data of a file in testdata, with their header.
func vp8lData(t testing.TB, name string) []byte {
	t.Helper()
	data := sampleNamed(t, name)
	at := bytes.Index(data, []byte("VP8L")) + 4
	return data[at+4 : at+4+int(binary.LittleEndian.Uint32(data[at:]))]
}

// vp8lHead is the header of lossless data.
func vp8lHead(width, height uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{vp8lMagic}, width-1|(height-1)<<14)
}

// Nothing is allocated for pixels, so that a header of few bytes costs little.
func TestMemoryOfEmptyWebP(t *testing.T) {
	lossy := []byte("\x10\x08\x00\x9d\x01\x2a\x0f\x27\x0f\x27" + string(make([]byte, 66)))
	for _, c := range []struct {
		name string
		want error
		data []byte
	}{
		{"lossless", ErrUndecodable, riff(riffChunk("VP8L", append(vp8lHead(9999, 9999), 0, 0)))},
		{"one colour", nil, riff(riffChunk("VP8L", append(vp8lHead(9999, 9999), 0x88, 0x88, 0x08)))},
		{"lossy", ErrUndecodable, riff(riffChunk("VP8 ", lossy))},
	} {
		if n, err := spent(t, WebP, c.data); n > 4<<20 || !errors.Is(err, c.want) {
			t.Errorf("%s: took %d bytes: %v, want %v", c.name, n, err, c.want)
		}
	}
}

// FuzzVP8L holds that what is accepted decodes.
func FuzzVP8L(f *testing.F) {
	for _, name := range []string{"lossless.webp", "alpha-lossless.webp", "animated-lossless.webp"} {
		f.Add(vp8lData(f, name)[vp8lHeaderLen:], uint8(sampleWidth), uint8(sampleHeight))
	}
	f.Add([]byte{0x88, 0x88, 0x08}, uint8(99), uint8(99))
	in := NewInspector(1<<16, 1<<20)
	f.Fuzz(func(t *testing.T, data []byte, width, height uint8) {
		coded := append(vp8lHead(uint32(width)+1, uint32(height)+1), data...)
		m, want := xvp8l.Decode(bytes.NewReader(coded))
		file := riff(riffChunk("VP8L", coded))
		_, err := in.Inspect(t.Context(), bytes.NewReader(file), int64(len(file)), WebP)
		if err == nil && want != nil {
			t.Errorf("accepted, yet %v", want)
		}
		if !oneColour(data) {
			return
		}
		if want != nil {
			t.Fatalf("one colour, yet %v", want)
		}
		pix := m.(*image.NRGBA).Pix
		for i, v := range pix {
			if v != pix[i%4] {
				t.Fatalf("sample %d is %d, not of the one colour", i, v)
			}
		}
	})
}

func TestOneColour(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data []byte
		want bool
	}{
		"five codes":     {[]byte{0x88, 0x88, 0x08}, true},
		"cut":            {[]byte{0x88, 0x88}, false},
		"nothing":        {nil, false},
		"two symbols":    {[]byte{0x98, 0x88, 0x08}, false},
		"a transform":    {[]byte{0x89, 0x88, 0x08}, false},
		"a picture":      {vp8lData(t, "lossless.webp")[vp8lHeaderLen:], false},
		"a far distance": {[]byte{0x88, 0x88, 0xe8, 0x7f}, false},
	} {
		if got := oneColour(c.data); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
