package imaging

import (
	"bytes"
	stdlzw "compress/lzw"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	tifflzw "golang.org/x/image/tiff/lzw"
)

// lzwByOthers decodes by the libraries.
func lzwByOthers(data []byte, literals int, tiff bool, most int64) lzwCount {
	r := stdlzw.NewReader(bytes.NewReader(data), stdlzw.LSB, literals)
	if tiff {
		r = tifflzw.NewReader(bytes.NewReader(data), tifflzw.MSB, literals)
	}
	p, err := io.ReadAll(io.LimitReader(r, most+1))
	c := lzwCount{bytes: int64(len(p)), ended: err == nil}
	for _, b := range p {
		c.top = max(c.top, b)
	}
	return c
}

func TestLZW(t *testing.T) {
	t.Parallel()
	noise := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 5000, 300_000} {
		for literals := 2; literals <= 8; literals++ {
			plain := make([]byte, n)
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
			want := lzwByOthers(data, literals, false, 1<<20)
			var z lzw
			z.reset(bytes.NewReader(data), uint(literals), false)
			if got := z.count(1 << 20); got.bytes != int64(n) || got.top != want.top || !got.ended || got.err != nil {
				t.Errorf("%d bytes of %d bits: %+v", n, literals, got)
			}
			z.reset(bytes.NewReader(data[:len(data)/2]), uint(literals), false)
			if got := z.count(1 << 20); !errors.Is(got.err, io.EOF) || got.ended {
				t.Errorf("%d bytes of %d bits, cut: %+v", n, literals, got)
			}
		}
	}
}
