package isobmff

import (
	"encoding/binary"
	"slices"
)

// The functions of this file build files out of boxes.

func bytesOf(fields ...any) []byte {
	var b []byte
	for _, f := range fields {
		switch v := f.(type) {
		case string:
			b = append(b, v...)
		case []byte:
			b = append(b, v...)
		case int: // 32 bits are the commonest
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		default:
			b, _ = binary.Append(b, binary.BigEndian, v)
		}
	}
	return b
}

func boxOf(kind string, fields ...any) []byte {
	content := bytesOf(fields...)
	return slices.Concat(bytesOf(8+len(content), kind), content)
}

// heic is a still picture whose parts a test may change before it is built.
type heic struct {
	brand                        string
	pitm, iinf, iloc, iref, iprp []byte
	idat                         []byte
	data                         []byte // of mdat, which follows meta
	tail                         []byte
}

const dataAt = 1024 // where the data of mdat begin

// picture is a HEIC file of one picture of 640 × 480, turned by 90 degrees and
// mirrored, with an Exif item.
func picture() heic {
	return heic{
		brand: "heic",
		pitm:  boxOf("pitm", 0, uint16(1)),
		iinf:  boxOf("iinf", 0, uint16(2), infe(1, "hvc1"), infe(2, "Exif")),
		iloc: boxOf("iloc", 0, uint16(0x4400), uint16(2),
			uint16(1), uint16(0), uint16(1), dataAt, 100,
			uint16(2), uint16(0), uint16(1), dataAt+100, 20),
		iprp: boxOf("iprp",
			boxOf("ipco", ispe(640, 480), boxOf("irot", uint8(1)), boxOf("imir", uint8(1)), boxOf("colr", "nclx")),
			boxOf("ipma", 0, 1, uint16(1), uint8(4), uint8(0x81), uint8(2), uint8(3), uint8(4))),
		data: make([]byte, 120),
	}
}

func infe(id uint16, kind string) []byte {
	return boxOf("infe", 2<<24, id, uint16(0), kind, uint8(0))
}

func ispe(w, h int) []byte { return boxOf("ispe", 0, w, h) }

func hdlr(kind string) []byte { return boxOf("hdlr", 0, 0, kind, 0, 0, 0, uint8(0)) }

// file puts the parts together.
func (h heic) file() []byte {
	meta := bytesOf(0, hdlr("pict"), h.pitm, h.iinf, h.iref, h.iprp)
	if h.idat != nil {
		meta = append(meta, boxOf("idat", h.idat)...)
	}
	meta = append(meta, h.iloc...)
	b := slices.Concat(boxOf("ftyp", h.brand, 0, "mif1"), boxOf("meta", meta))
	if pad := dataAt - 8 - len(b); pad >= 8 {
		b = append(b, boxOf("free", make([]byte, pad-8))...)
	}
	return slices.Concat(b, boxOf("mdat", h.data), h.tail)
}

// movie is an AVIF sequence of three frames of 320 × 200 without a still.
func movie() []byte {
	return slices.Concat(boxOf("ftyp", "avis", 0, "avis"), track("pict", 3), boxOf("mdat", "…"))
}

func track(kind string, frames int) []byte {
	entry := boxOf("av01", make([]byte, 24), uint16(320), uint16(200), make([]byte, 50))
	sizes := slices.Repeat(bytesOf(1), frames)
	stbl := boxOf("stbl", boxOf("stsd", 0, 1, entry), boxOf("stsz", 0, 0, frames, sizes))
	sound := boxOf("trak", boxOf("mdia", hdlr("soun")))
	return boxOf("moov", boxOf("mvhd", 0), sound,
		boxOf("trak", boxOf("mdia", hdlr(kind), boxOf("minf", stbl))))
}
