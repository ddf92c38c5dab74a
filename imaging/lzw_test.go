package imaging

import (
	"bytes"
	stdlzw "compress/lzw"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	tifflzw "golang.org/x/image/tiff/lzw"
)

// gifOf is a GIF of 256 colours with one frame, whose data these are.
func gifOf(width, height int, literals byte, data []byte) []byte {
	le := func(v int) []byte { return []byte{byte(v), byte(v >> 8)} }
	file := slices.Concat([]byte("GIF89a"), le(width), le(height), []byte{0x87, 0, 0}, make([]byte, 3*256))
	file = slices.Concat(file, []byte{',', 0, 0, 0, 0}, le(width), le(height), []byte{0, literals})
	for block := range slices.Chunk(data, 255) {
		file = append(append(file, byte(len(block))), block...)
	}
	return append(file, 0, ';')
}

// Pixels of every width come out to the last one, and none of them may be missing.
func TestLZW(t *testing.T) {
	t.Parallel()
	noise := rand.New(rand.NewPCG(5, 6))
	for _, size := range [][2]int{{1, 1}, {100, 50}, {600, 500}} {
		for literals := 2; literals <= 8; literals++ {
			plain := make([]byte, size[0]*size[1])
			for i := range plain {
				plain[i] = byte(noise.IntN(1<<literals) * noise.IntN(2) >> noise.IntN(3))
			}
			data := encode(t, func(b *bytes.Buffer) error {
				w := stdlzw.NewWriter(b, stdlzw.LSB, literals)
				if _, err := w.Write(plain); err != nil {
					return err
				}
				return w.Close()
			})
			if _, err := inspectAs(t, GIF, gifOf(size[0], size[1], byte(literals), data)); err != nil {
				t.Errorf("%v pixels of %d bits: %v", size, literals, err)
			}
			_, err := inspectAs(t, GIF, gifOf(size[0], size[1]+1, byte(literals), data))
			if !errors.Is(err, ErrUndecodable) {
				t.Errorf("%v pixels of %d bits, a row missing: %v", size, literals, err)
			}
			_, err = inspectAs(t, GIF, gifOf(size[0], size[1], byte(literals), data[:len(data)/3]))
			if !errors.Is(err, ErrUndecodable) {
				t.Errorf("%v pixels of %d bits, cut: %v", size, literals, err)
			}
		}
	}
}

// FuzzLZW holds that what is accepted is what the decoders of the writers see:
// exactly the pixels of a GIF, and at least the bytes of a strip.
func FuzzLZW(f *testing.F) {
	f.Add([]byte("\x04\x01\x02\x82\x05"), uint8(2), false)
	f.Add([]byte("\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01"), uint8(8), true)
	const width, height = 8, 4
	in := NewInspector(1<<10, 1<<20)
	f.Fuzz(func(t *testing.T, data []byte, literals uint8, tiff bool) {
		literals = literals%7 + 2
		format, file := GIF, gifOf(width, height, literals, data)
		r := stdlzw.NewReader(bytes.NewReader(data), stdlzw.LSB, int(literals))
		if tiff {
			format, file = TIFF, tiffOf(data, tiffTag{tiffCompression, []uint32{tiffLZW}})
			r = tifflzw.NewReader(bytes.NewReader(data), tifflzw.MSB, 8)
		}
		old := tiff && len(data) > 1 && data[0] == 0 && data[1]&1 == 1 // left to others
		_, err := in.Inspect(t.Context(), bytes.NewReader(file), int64(len(file)), format)
		pixels, _ := io.ReadAll(io.LimitReader(r, width*height+1))
		if n := len(pixels); err == nil && !old && (n < width*height || !tiff && n > width*height) {
			t.Errorf("accepted with %d bytes for %d pixels", n, width*height)
		}
	})
}
