package exif

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// model is a block with a model alone, by which a test recognises it.
func model(name string) []byte { return dirs{ifd0: []tag{ascii(0x0110, name)}}.tiff() }

func TestLocate(t *testing.T) {
	t.Parallel()
	prefixed := func(b []byte) []byte { return append([]byte("Exif\x00\x00"), b...) }
	item := func(skip uint32, b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, skip), b...) }
	long := append(model("one"), make([]byte, 1000)...)
	text := func(kind, keyword string, content ...[]byte) []byte {
		return chunk(kind, []byte(keyword+"\x00"), slices.Concat(content...))
	}
	tests := []struct {
		name, format string
		file         []byte
		want         string
	}{
		{"the file itself", "tiff", model("one"), "one"},
		{"another file", "tiff", []byte("not a TIFF file"), ""},
		{"no segment", "jpeg", jpegOf(), ""},
		{"first segment", "jpeg", jpegOf(app1(model("one"))), "one"},
		{"later segment", "jpeg", jpegOf(segment(0xe0, []byte("JFIF")), []byte("\xff\x01"), app1(model("one"))), "one"},
		{"filled up", "jpeg", jpegOf([]byte("\xff\xff\xff"), app1(model("one"))), "one"},
		{"behind junk", "jpeg", jpegOf(bytes.Repeat([]byte("junk\xff\x00"), 200), app1(model("one"))), "one"},
		{"behind too much junk", "jpeg", jpegOf(make([]byte, 2*maxJunk), app1(model("one"))), ""},
		{"behind XMP", "jpeg", jpegOf(segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00")), app1(model("one"))), "one"},
		{"first of two", "jpeg", jpegOf(app1(model("one")), app1(model("two"))), "one"},
		{"first good one of two", "jpeg", jpegOf(app1([]byte("II*\x00\xff\xff\xff\x7f")), app1(model("two"))), "two"},
		{"over several segments", "jpeg", jpegOf(app1(long[:12]), app1(long[12:20]), app1(long[20:])), "one"},
		{"a little shifted", "jpeg", jpegOf(segment(0xe1, []byte("\x00\x00exif\x00\x00\x00"), model("one"))), "one"},
		{"segment of no length", "jpeg", jpegOf([]byte("\xff\xe1\x00\x00"), app1(model("one"))), ""},
		{"behind the picture", "jpeg", append(jpegOf(), app1(model("one"))...), ""},
		{"chunk", "png", pngOf(chunk("IHDR"), chunk("eXIf", model("one")), chunk("IDAT")), "one"},
		{"chunk with a prefix", "png", pngOf(chunk("eXIf", prefixed(model("one")))), "one"},
		{"chunk behind the picture", "png", pngOf(chunk("IDAT"), chunk("eXIf", model("one"))), "one"},
		{"empty chunk", "png", pngOf(chunk("eXIf"), chunk("eXIf", model("two"))), "two"},
		{"chunk behind the end", "png", append(pngOf(), chunk("eXIf", model("one"))...), ""},
		{"text", "png", pngOf(text("tEXt", "Raw profile type exif", profile(model("one")))), "one"},
		{"text of a segment", "png", pngOf(text("tEXt", "Raw profile type APP1", profile(model("one")))), "one"},
		{"compressed text", "png", pngOf(text("zTXt", "Raw profile type exif", []byte{0}, deflate(profile(model("one"))))), "one"},
		{"badly compressed text", "png", pngOf(text("zTXt", "Raw profile type exif", []byte{0}, profile(model("one")))), ""},
		{"compressed text cut short", "png", pngOf(text("zTXt", "Raw profile type exif", []byte{0}, deflate(profile(model("one")))[:40])), ""},
		{"text without lines", "png", pngOf(text("tEXt", "Raw profile type exif", []byte("4949"))), ""},
		{"text of another profile", "png", pngOf(text("tEXt", "Raw profile type iptc", profile(model("one")))), ""},
		{"chunk before text", "png", pngOf(text("tEXt", "Raw profile type exif", profile(model("one"))), chunk("eXIf", model("two"))), "two"},
		{"chunk", "webp", webpOf(riff("VP8X", []byte("odd")), riff("EXIF", model("one"))), "one"},
		{"chunk with a prefix", "webp", webpOf(riff("EXIF", prefixed(model("one")))), "one"},
		{"no chunk", "webp", webpOf(riff("VP8 ")), ""},
		{"empty chunk", "webp", webpOf(riff("EXIF"), riff("EXIF", model("two"))), "two"},
		{"item", "heic", heifOf(item(0, model("one"))), "one"},
		{"item", "avif", heifOf(item(6, prefixed(model("one")))), "one"},
		{"item with a wrong offset", "heic", heifOf(item(1<<31, prefixed(model("one")))), "one"},
		{"item in parts", "heic", heifOf(item(0, nil), long[:30], long[30:]), "one"},
		{"item of nothing", "heic", heifOf([]byte{0}), ""},
		{"item of something else", "heic", heifOf([]byte("something else")), ""},
		{"no item", "heic", []byte("\x00\x00\x00\x10ftypheic\x00\x00\x00\x00"), ""},
	}
	for _, test := range tests {
		if got := read(test.file, test.format); got.Model != test.want {
			t.Errorf("%s, %s: %q, want %q", test.format, test.name, got.Model, test.want)
		}
	}
}

// TestLargeFile reads a TIFF whose directory lies at the end of 16 MB.
func TestLargeFile(t *testing.T) {
	b := make([]byte, 16<<20)
	copy(b, "II*\x00")
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	b = appendDir(b, []tag{
		ascii(0x0110, "one"),
		{id: 0x0111, kind: 4, count: 3 << 20, value: make([]byte, 8)},
		undefined(0x02bc, string(make([]byte, 1<<20))),
	})
	var m Metadata
	if n := allocatedBy(func() { m = read(b, "tiff") }); n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
	if m.Model != "one" {
		t.Errorf("%+v", m)
	}
}
