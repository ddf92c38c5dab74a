package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
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

func TestVP8LNear(t *testing.T) {
	t.Parallel()
	if len(vp8lNear) != 120 {
		t.Fatalf("%d codes of near pixels", len(vp8lNear))
	}
	for _, c := range []struct{ code, width, want int }{{1, 100, 100}, {2, 100, 1}, {3, 100, 101}, {4, 100, 99}, {121, 100, 1}} {
		if got := distance(c.code, c.width); got != max(1, c.want) {
			t.Errorf("code %d: %d pixels, want %d", c.code, got, c.want)
		}
	}
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
	f.Fuzz(func(t *testing.T, data []byte, width, height uint8) {
		w, h := int(width)+1, int(height)+1
		err := checkVP8L(bytes.NewReader(data), w, h)
		_, want := xvp8l.Decode(bytes.NewReader(append(vp8lHead(uint32(w), uint32(h)), data...)))
		if err == nil && want != nil {
			t.Errorf("accepted, yet %v", want)
		}
	})
}
