package imaging

import (
	"errors"
	"testing"
)

func TestSniff(t *testing.T) {
	t.Parallel()
	ftyp := func(major, compatible string) string {
		n := 16 + len(compatible)
		return string([]byte{0, 0, 0, byte(n)}) + "ftyp" + major + "\x00\x00\x00\x00" + compatible + "heic" // the last is outside
	}
	for _, c := range []struct {
		head string
		want Format
	}{
		{"\xff\xd8\xff\xe0\x00\x10JFIF", JPEG},
		{"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", PNG},
		{"GIF87a", GIF},
		{"GIF89a", GIF},
		{"RIFF\x01\x02\x03\x04WEBPVP8 ", WebP},
		{"BM....\x00\x00\x00\x00....\x28\x00\x00\x00", BMP},
		{"BM....\x00\x00\x00\x00....\x0c\x00\x00\x00", BMP},
		{"II*\x00\x08\x00\x00\x00", TIFF},
		{"MM\x00*\x00\x00\x00\x08", TIFF},
		{ftyp("heic", "mif1"), HEIC},
		{ftyp("heix", "mif1"), HEIC},
		{ftyp("hevc", "msf1"), HEIC},
		{ftyp("heim", ""), HEIC},
		{ftyp("heis", ""), HEIC},
		{ftyp("mif1", "mif1heic"), HEIC},
		{ftyp("msf1", "msf1hevc"), HEIC},
		{ftyp("avif", "mif1"), AVIF},
		{ftyp("avis", "avif"), AVIF},
		{ftyp("mif1", "mif1avif"), AVIF},

		{ftyp("mif1", "miaf"), ""},
		{ftyp("isom", "mp42"), ""},
		{ftyp("qt  ", ""), ""},
		{"II+\x00\x08\x00\x00\x00", ""}, // BigTIFF
		{"BM is how many a text begins", ""},
		{"BM", ""},
		{"RIFF\x01\x02\x03\x04WAVEfmt ", ""},
		{"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", ""},
		{"<?xml version=\"1.0\"?><svg/>", ""},
		{"%PDF-1.7", ""},
		{"\x89PN", ""},
		{"hello", ""},
		{"", ""},
	} {
		got, err := Sniff([]byte(c.head))
		if got != c.want || (c.want == "") != errors.Is(err, ErrUnsupported) {
			t.Errorf("%q: %q, %v, want %q", c.head, got, err, c.want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.data[:min(len(s.data), SniffLen)])
	}
	f.Add([]byte("\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00mif1heic"))
	f.Fuzz(func(t *testing.T, head []byte) {
		format, err := Sniff(head)
		if (err == nil) == (format == "") {
			t.Fatalf("%q, %v", format, err)
		}
		if len(head) > SniffLen {
			if again, _ := Sniff(head[:SniffLen]); again != format {
				t.Fatalf("%q by the first %d bytes, %q by all", again, SniffLen, format)
			}
		}
	})
}
