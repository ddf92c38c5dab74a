package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"slices"
	"testing"
)

// exifBlock is a TIFF block that says an orientation and a make.
func exifBlock(orientation byte) []byte {
	return append([]byte("II*\x00\x08\x00\x00\x00\x02\x00"), "\x0f\x01\x02\x00\x04\x00\x00\x00ABC\x00\x12\x01\x03\x00\x01\x00\x00\x00"+
		string([]byte{orientation})+"\x00\x00\x00\x00\x00\x00\x00"...)
}

// segment is a segment of a JPEG.
func segment(code byte, body string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, code}, uint16(len(body)+2)), body...)
}

// insert puts parts into data at an offset.
func insert(data []byte, at int, parts ...[]byte) []byte {
	return slices.Concat(append(append([][]byte{data[:at]}, parts...), data[at:])...)
}

// riff is a WebP of these chunks.
func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), slices.Concat(chunks...)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(kind string, data []byte) []byte {
	p := append(binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data))), data...)
	return append(p, make([]byte, len(data)%2)...)
}

// mutation is a change of a file, and whether its payload stays the same.
type mutation struct {
	name string
	same bool
	data []byte
}

func TestPayloadJPEG(t *testing.T) {
	t.Parallel()
	base := sampleNamed(t, "baseline.jpg")
	exif := func(o byte) []byte { return segment(0xe1, "Exif\x00\x00"+string(exifBlock(o))) }
	jfif := int(binary.BigEndian.Uint16(base[4:])) + 4 // behind SOI and APP0
	checkPayloads(t, JPEG, base, []mutation{
		{"upright EXIF", true, insert(base, 2, exif(1))},
		{"turned", false, insert(base, 2, exif(6))},
		{"turned otherwise", false, insert(base, 2, exif(8))},
		{"XMP", true, insert(base, jfif, segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x/>"))},
		{"comment", true, insert(base, jfif, segment(0xfe, "hello"))},
		{"IPTC", true, insert(base, jfif, segment(0xed, "Photoshop 3.0\x00"))},
		{"MPF", true, insert(base, jfif, segment(0xe2, "MPF\x00"))},
		{"without JFIF", true, slices.Concat(base[:2], base[jfif:])},
		{"colour profile", false, insert(base, jfif, segment(0xe2, "ICC_PROFILE\x00\x01\x01profile"))},
		{"Adobe, YCbCr", true, insert(base, jfif, segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01"))},
		{"Adobe, RGB", false, slices.Concat(base[:2], segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x00"), base[jfif:])},
		{"data behind the end", true, append(bytes.Clone(base), "preview"...)},
		{"fill bytes", true, insert(base, jfif, []byte{0xff, 0xff})},
		{"no end marker", true, base[:len(base)-2]},
		{"another picture", false, sampleNamed(t, "grey.jpg")},
		{"recoded", false, sampleNamed(t, "progressive.jpg")},
	})
}

func TestPayloadPNG(t *testing.T) {
	t.Parallel()
	base := sampleNamed(t, "palette.png")
	head := 8 + 25 // behind IHDR
	at := bytes.Index(base, []byte("IDAT")) - 4
	n := int(binary.BigEndian.Uint32(base[at:]))
	idat := base[at+8 : at+8+n]
	split := slices.Concat(base[:at], chunkPNG("IDAT", idat[:7]), chunkPNG("IDAT", nil), chunkPNG("IDAT", idat[7:]), base[at+12+n:])
	checkPayloads(t, PNG, base, []mutation{
		{"text", true, insert(base, head, chunkPNG("tEXt", []byte("a\x00b")))},
		{"time", true, insert(base, len(base)-12, chunkPNG("tIME", make([]byte, 7)))},
		{"split", true, split},
		{"upright EXIF", true, insert(base, head, chunkPNG("eXIf", exifBlock(1)))},
		{"turned", false, insert(base, head, chunkPNG("eXIf", exifBlock(6)))},
		{"gamma", false, insert(base, head, chunkPNG("gAMA", []byte{0, 0, 177, 143}))},
		{"colour profile", false, insert(base, head, chunkPNG("iCCP", []byte("x\x00\x00profile")))},
		{"transparency", false, insert(base, at, chunkPNG("tRNS", []byte{0}))},
		{"animated", false, insert(base, head, chunkPNG("acTL", []byte{0, 0, 0, 1, 0, 0, 0, 0}))},
		{"data behind the end", true, append(bytes.Clone(base), "more"...)},
		{"compressed otherwise", false, slices.Concat(base[:at], chunkPNG("IDAT", recompress(t, idat)), base[at+12+n:])},
	})
}

func recompress(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return encode(t, func(b *bytes.Buffer) error {
		z, _ := zlib.NewWriterLevel(b, zlib.BestSpeed)
		if _, err := io.Copy(z, r); err != nil {
			return err
		}
		return z.Close()
	})
}

func TestPayloadWebP(t *testing.T) {
	t.Parallel()
	base := sampleNamed(t, "lossy.webp")
	coded := base[12:]
	vp8x := func(flags byte) []byte {
		return riffChunk("VP8X", []byte{flags, 0, 0, 0, sampleWidth - 1, 0, 0, sampleHeight - 1, 0, 0})
	}
	checkPayloads(t, WebP, base, []mutation{
		{"extended", true, riff(vp8x(0), coded)},
		{"upright EXIF", true, riff(vp8x(8), coded, riffChunk("EXIF", exifBlock(1)))},
		{"turned", false, riff(vp8x(8), coded, riffChunk("EXIF", exifBlock(6)))},
		{"XMP", true, riff(vp8x(4), coded, riffChunk("XMP ", []byte("<x/>")))},
		{"colour profile", false, riff(vp8x(32), riffChunk("ICCP", []byte("profile")), coded)},
		{"data behind the end", true, append(bytes.Clone(base), "more"...)},
		{"lossless", false, sampleNamed(t, "lossless.webp")},
		{"with alpha", false, sampleNamed(t, "alpha.webp")},
		{"animated", false, sampleNamed(t, "animated.webp")},
	})
}

func TestPayloadGIF(t *testing.T) {
	t.Parallel()
	base := sampleNamed(t, "animated.gif")
	head := 13 + 3<<(1+base[10]&7) // behind the colours
	checkPayloads(t, GIF, base, []mutation{
		{"comment", true, insert(base, head, []byte("!\xfe\x05hello\x00"))},
		{"XMP", true, insert(base, head, []byte("!\xff\x0bXMP DataXMP\x01x\x00"))},
		{"loops", false, insert(base, head, []byte("!\xff\x0bNETSCAPE2.0\x03\x01\x05\x00\x00"))},
		{"delay", false, insert(base, head, []byte("!\xf9\x04\x00\x63\x00\x00\x00"))},
		{"no trailer", true, base[:len(base)-1]},
	})
	cut, err := inspectAs(t, GIF, base[:3000])
	if err != nil || cut.Payload != nil || cut.Frames != 2 {
		t.Errorf("damaged behind its second frame: %v, %d frames, payload %x", err, cut.Frames, cut.Payload)
	}
}

func checkPayloads(t *testing.T, f Format, base []byte, mutations []mutation) {
	t.Helper()
	want, err := inspectAs(t, f, base)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[32]byte]string{*want.Payload: "the original"}
	for _, m := range mutations {
		got, err := inspectAs(t, f, m.data)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if same := *got.Payload == *want.Payload; same != m.same {
			t.Errorf("%s: same is %v", m.name, same)
		}
		if other, ok := seen[*got.Payload]; ok && !m.same {
			t.Errorf("%s: the same as %s", m.name, other)
		}
		seen[*got.Payload] = m.name
	}
}
