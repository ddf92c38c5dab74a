package net

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
)

// file reads the weights as they lie in the repository.
func file(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("weights.bin")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no weights here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// seal replaces the checksum by the right one.
func seal(data []byte) []byte {
	body := bytes.Clone(data[:len(data)-sha256.Size])
	sum := sha256.Sum256(body)
	return append(body, sum[:]...)
}

// alter changes a copy of a file.
func alter(data []byte, change func(data []byte)) []byte {
	data = bytes.Clone(data)
	change(data)
	return data
}

func TestDamagedWeights(t *testing.T) {
	t.Parallel()
	whole := file(t)
	const count, first = len(magic), len(magic) + 4 // where the number of tensors and the first one begin
	put := binary.LittleEndian.PutUint32

	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "not a file of weights"},
		"another file":     {[]byte(strings.Repeat("PNG", 100)), "not a file of weights"},
		"half":             {whole[:len(whole)/2], "checksum"},
		"a flipped bit":    {alter(whole, func(d []byte) { d[len(d)/3] ^= 4 }), "checksum"},
		"one tensor short": {seal(alter(whole, func(d []byte) { put(d[count:], 199) })), "too few tensors"},
		"one too many":     {seal(alter(whole, func(d []byte) { put(d[count:], 201) })), "too many"},
		"bytes after it":   {seal(append(bytes.Clone(whole), 0)), "bytes too many"},
		"another shape":    {seal(alter(whole, func(d []byte) { put(d[first+4:], 1<<31) })), "mobile: stem: a tensor of 2147483648×48, not 27×48"},
		"another type":     {seal(alter(whole, func(d []byte) { put(d[first:], 77) })), "type 77"},
		"infinite weights": {seal(alter(whole, func(d []byte) {
			binary.LittleEndian.PutUint64(d[first+12:], math.Float64bits(math.Inf(1)))
		})), "not finite"},
		"truncated and sealed": {seal(whole[:len(whole)/2]), "values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := LoadFrom(bytes.NewReader(test.data))
			if n != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, not %q", err, test.want)
			}
		})
	}
}

func TestTooLargeWeights(t *testing.T) {
	t.Parallel()
	if _, err := LoadFrom(io.LimitReader(zeros{}, 1<<40)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a terabyte: %v", err)
	}
}

// zeros is endless.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestHalf(t *testing.T) {
	t.Parallel()
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 0x1p-14,
		0x0001: 0x1p-24, 0x83ff: -1023 * 0x1p-24, 0x3555: 1365.0 / 4096, 0x7c00: float32(math.Inf(1)),
	} {
		if got := half(bits); got != want {
			t.Errorf("%#04x is %v, not %v", bits, got, want)
		}
	}
	if got := half(0x7e00); got == got {
		t.Errorf("0x7e00 is %v, not NaN", got)
	}
}

// FuzzTensor reads tensors of one shape from whatever the file says.
func FuzzTensor(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00abcdefghijklmnopqrstuv"), uint32(1))
	f.Fuzz(func(t *testing.T, tensors []byte, count uint32) {
		data := binary.LittleEndian.AppendUint32([]byte(magic), count)
		data = append(append(data, tensors...), make([]byte, sha256.Size)...)
		w, err := open(seal(data))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			var values []float32
			if values, err = w.tensor(2, 3); err == nil && len(values) != 6 {
				t.Fatalf("%d values", len(values))
			}
		}
	})
}
