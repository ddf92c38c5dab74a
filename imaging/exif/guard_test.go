package exif

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/rwcarlsen/goexif/tiff"
)

// TestGuard gives the guard one bad entry after another, each between two good
// ones, which have to come through.
func TestGuard(t *testing.T) {
	t.Parallel()
	bad := map[string]tag{
		"no value":               {id: 0x010e, kind: 2, value: []byte{}, count: 0},
		"no type":                {id: 0x010e, kind: 0, count: 1, value: []byte{1}},
		"unknown type":           {id: 0x010e, kind: 99, count: 1, value: []byte{1}},
		"all of the numbers":     {id: 0x010e, kind: 3, count: 1<<32 - 1, value: []byte{1}},
		"a count that wraps":     {id: 0x011a, kind: 5, count: 0xe0000001, value: []byte{1}},
		"another that wraps":     {id: 0x0112, kind: 3, count: 0x80000001, value: []byte{1}},
		"a value outside":        {id: 0x011a, kind: 5, count: 1, value: []byte{255, 255, 255, 255}},
		"the maker's own":        {id: 0x927c, kind: 7, count: 4, value: []byte{1}},
		"a circle":               {id: exifPointer, kind: 4, count: 1, value: []byte{8}},
		"a circle by another":    {id: gpsPointer, kind: 4, count: 1, value: []byte{8}},
		"a directory inside":     {id: exifPointer, kind: 4, count: 1, value: []byte{20}},
		"a directory at nothing": {id: gpsPointer, kind: 4, count: 1, value: []byte{0, 0, 0, 255}},
		"a directory in front":   {id: interopPointer, kind: 4, count: 1, value: []byte{1}},
		"more numbers than fit":  {id: 0x012d, kind: 3, count: 256, value: []byte{8}},
	}
	for name, b := range bad {
		d := dirs{ifd0: []tag{ascii(0x010f, "Canon"), b, ascii(0x0110, "one")}}
		m := read(d.tiff(), "tiff")
		if m.Make != "Canon" || m.Model != "one" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// TestGuardWritesWhatItRead compares a block with the guard's, in both orders.
func TestGuardWritesWhatItRead(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{photo().tiff(), []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")} {
		b, ok := guard(inMemory(raw))
		if !ok {
			t.Fatal("the guard left nothing")
		}
		x, err := tiff.Decode(bytes.NewReader(b.raw))
		if err != nil {
			t.Fatal(err)
		}
		want, err := tiff.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		for i, tag := range x.Dirs[0].Tags {
			if w := want.Dirs[0].Tags[i]; tag.Id != w.Id || tag.Id < exifPointer && tag.String() != w.String() {
				t.Errorf("%v is now %v", w, tag)
			}
		}
		again, ok := guard(inMemory(b.raw))
		if !ok || !bytes.Equal(again.raw, b.raw) {
			t.Error("the guard changes what it wrote itself")
		}
	}
}

// TestGuardIsBounded gives the guard more than it takes of everything.
func TestGuardIsBounded(t *testing.T) {
	full := dirs{ifd0: []tag{ascii(0x0110, "one")}}
	for i := range uint16(2000) {
		full.ifd0 = append(full.ifd0, ascii(0x4000+i, strings.Repeat("x", 3000)))
	}
	// Every pointer of every directory leads to one more that is empty but for
	// pointers.
	nested := []byte("II*\x00\x08\x00\x00\x00")
	const each = 2 + 12*100
	for i := range 1000 {
		nested = binary.LittleEndian.AppendUint16(nested, 100)
		for range 100 {
			nested = binary.LittleEndian.AppendUint16(nested, exifPointer)
			nested = append(nested, 4, 0, 1, 0, 0, 0)
			nested = binary.LittleEndian.AppendUint32(nested, uint32(8+(i+1)*each))
		}
	}
	junk := slices.Repeat([]byte("\x00\xff\xe1\x00\x02"), 100000)
	bomb := chunk("zTXt", []byte("Raw profile type exif\x00\x00"), deflate(make([]byte, 16<<20)))
	segments := slices.Repeat(app1(make([]byte, 60000)), 300)
	for name, file := range map[string]struct {
		format string
		b      []byte
	}{
		"values":      {"tiff", full.tiff()},
		"directories": {"tiff", nested},
		"junk":        {"jpeg", jpegOf(junk)},
		"segments":    {"jpeg", jpegOf(app1([]byte("II*\x00\x08\x00\x00\x00")), segments)},
		"blocks":      {"jpeg", jpegOf(slices.Repeat(app1(full.tiff()[:9]), 900))},
		"bombs":       {"png", pngOf(slices.Repeat(bomb, 100))},
		"chunks":      {"png", slices.Repeat([]byte{0}, 1<<20)},
		"parts":       {"heic", heifOf(slices.Repeat([][]byte{make([]byte, 90000)}, 150)...)},
	} {
		var m Metadata
		if n := allocatedBy(func() { m = read(file.b, file.format) }); n > 8<<20 {
			t.Errorf("%s: %d bytes allocated for %d", name, n, len(file.b))
		} else {
			t.Logf("%s: %d kB allocated for %d", name, n>>10, len(file.b)>>10)
		}
		check(t, m)
		if name == "values" && m.Model != "one" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// TestDecodeSurvives gives the parser blocks that no guard has seen.
func TestDecodeSurvives(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "II*\x00", "II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00", "MM\x00*\xff\xff\xff\xff"} {
		if m := decode(block{raw: []byte(raw), ifd0: 8, exif: -1}); m.Tags != nil {
			t.Errorf("%q: %+v", raw, m)
		}
	}
}
