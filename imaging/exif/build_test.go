package exif

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
)

// The functions of this file build TIFF blocks and the files around them.

// tag is an entry of a directory. With a count of 0 the value's length tells it.
type tag struct {
	id, kind uint16
	count    uint32
	value    []byte
}

// dirs are the directories of a block, each with the tags in it; the pointers
// between them are added.
type dirs struct {
	ifd0, exif, gps, interop []tag
}

func ascii(id uint16, s string) tag { return tag{id: id, kind: 2, value: []byte(s + "\x00")} }

func short(id uint16, values ...uint16) tag {
	b, _ := binary.Append(nil, binary.LittleEndian, values)
	return tag{id: id, kind: 3, value: b}
}

func rational(id uint16, values ...uint32) tag {
	b, _ := binary.Append(nil, binary.LittleEndian, values)
	return tag{id: id, kind: 5, value: b}
}

func undefined(id uint16, b string) tag { return tag{id: id, kind: 7, value: []byte(b)} }

// photo is a block with every field.
func photo() dirs {
	return dirs{
		ifd0: []tag{
			ascii(0x010f, "NIKON CORPORATION"), ascii(0x0110, "NIKON D70"), ascii(0x0131, "Ver.1.00 "),
			short(0x0112, 6), ascii(0x010e, "Gr\xfc\xdfe"),
		},
		exif: []tag{
			rational(0x829a, 1, 250), rational(0x829d, 28, 10), short(0x8827, 200), rational(0x920a, 500, 10),
			ascii(0x9003, "2024:02:29 23:30:00"), ascii(0x9011, "-05:00"), ascii(0xa434, "AF-S 50mm"),
			undefined(0x9000, "0230"), undefined(0x927c, "the maker's own"), undefined(0x9286, "ASCII\x00\x00\x00hello"),
			rational(0xa432, 18, 1, 55, 1, 0, 0, 0, 0),
		},
		gps: []tag{
			ascii(1, "S"), rational(2, 33, 1, 30, 1, 36, 1), ascii(3, "W"), rational(4, 70, 1, 0, 1, 0, 0),
			{id: 5, kind: 1, value: []byte{1}},
			rational(6, 25, 2), rational(0x1f, 5, 1),
		},
		interop: []tag{ascii(1, "R98")},
	}
}

func sizes(kind uint16) int { return max(1, int(sizeOf(kind))) }

// tiff is the block with these directories, little-endian.
func (d dirs) tiff() []byte {
	b := []byte("II*\x00\x00\x00\x00\x00")
	pointer := func(id uint16, to []tag) []tag {
		if len(to) == 0 {
			return nil
		}
		at := uint32(len(b))
		b = appendDir(b, to)
		return []tag{{id: id, kind: 4, value: binary.LittleEndian.AppendUint32(nil, at)}}
	}
	d.exif = append(slices.Clone(d.exif), pointer(interopPointer, d.interop)...)
	d.ifd0 = append(slices.Clone(d.ifd0), pointer(exifPointer, d.exif)...)
	d.ifd0 = append(d.ifd0, pointer(gpsPointer, d.gps)...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	return appendDir(b, d.ifd0)
}

// appendDir appends a directory and its values.
func appendDir(b []byte, tags []tag) []byte {
	end := len(b) + 2 + 12*len(tags) + 4
	var values []byte
	b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
	for _, t := range tags {
		if t.count == 0 {
			t.count = uint32(len(t.value) / sizes(t.kind))
		}
		b = binary.LittleEndian.AppendUint16(b, t.id)
		b = binary.LittleEndian.AppendUint16(b, t.kind)
		b = binary.LittleEndian.AppendUint32(b, t.count)
		if len(t.value) <= 4 {
			b = append(b, append(slices.Clone(t.value), 0, 0, 0, 0)[:4]...)
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(end+len(values)))
		values = append(values, t.value...)
	}
	return append(append(b, 0, 0, 0, 0), values...)
}

func jpegOf(segments ...[]byte) []byte {
	return slices.Concat([]byte("\xff\xd8"), slices.Concat(segments...), []byte("\xff\xda\x00\x02…\xff\xd9"))
}

func segment(marker byte, content ...[]byte) []byte {
	b := slices.Concat(content...)
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(b)+2)), b...)
}

func app1(block []byte) []byte { return segment(0xe1, []byte("Exif\x00\x00"), block) }

func pngOf(chunks ...[]byte) []byte {
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), slices.Concat(chunks...), chunk("IEND"))
}

func chunk(kind string, content ...[]byte) []byte {
	b := append([]byte(kind), slices.Concat(content...)...)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(b)-4))
	return binary.BigEndian.AppendUint32(append(head, b...), crc32.ChecksumIEEE(b))
}

// profile is a block as ImageMagick writes it into a text chunk.
func profile(block []byte) []byte {
	digits := hex.EncodeToString(append([]byte("Exif\x00\x00"), block...))
	var lines string
	for line := range slices.Chunk([]byte(digits), 72) {
		lines += string(line) + "\n"
	}
	return fmt.Appendf(nil, "\nexif\n%8d\n%s", len(block)+6, lines)
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(b) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

func webpOf(chunks ...[]byte) []byte {
	b := slices.Concat(chunks...)
	return slices.Concat([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(b)+4)), []byte("WEBP"), b)
}

func riff(kind string, content ...[]byte) []byte {
	b := slices.Concat(content...)
	head := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(b)))
	return slices.Concat(head, b, make([]byte, len(b)%2))
}

// heifOf is a HEIC file of one picture with an Exif item, cut into parts.
func heifOf(parts ...[]byte) []byte {
	const mdat = 8
	head := heifHead(0, parts)
	head = heifHead(len(head)+mdat, parts)
	return slices.Concat(head, isoBox("mdat", []byte("data"), slices.Concat(parts...)))
}

// heifHead is all of the file up to the data, which lie at dataAt.
func heifHead(dataAt int, parts [][]byte) []byte {
	infe := func(id uint16, kind string) []byte {
		return isoBox("infe", be(uint32(2<<24), id, uint16(0)), []byte(kind), []byte{0})
	}
	places := be(uint32(0), uint16(0x4400), uint16(2), uint16(1), uint16(0), uint16(1), uint32(dataAt), uint32(4),
		uint16(2), uint16(0), uint16(len(parts)))
	at := dataAt + 4
	for _, p := range parts {
		places = append(places, be(uint32(at), uint32(len(p)))...)
		at += len(p)
	}
	return slices.Concat(
		isoBox("ftyp", []byte("heic\x00\x00\x00\x00mif1")),
		isoBox("meta", be(uint32(0)),
			isoBox("hdlr", be(uint64(0)), []byte("pict"), make([]byte, 13)),
			isoBox("pitm", be(uint32(0), uint16(1))),
			isoBox("iinf", be(uint32(0), uint16(2)), infe(1, "hvc1"), infe(2, "Exif")),
			isoBox("iprp", isoBox("ipco", isoBox("ispe", be(uint32(0), uint32(4), uint32(3)))),
				isoBox("ipma", be(uint32(0), uint32(1), uint16(1), uint16(0x0101)))),
			isoBox("iloc", places)))
}

func isoBox(kind string, content ...[]byte) []byte {
	b := slices.Concat(content...)
	return slices.Concat(be(uint32(len(b)+8)), []byte(kind), b)
}

func be(values ...any) (b []byte) {
	for _, v := range values {
		b, _ = binary.Append(b, binary.BigEndian, v)
	}
	return b
}
