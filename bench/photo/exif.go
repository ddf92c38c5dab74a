package photo

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// head is the beginning of a camera's JPEG: the start marker and the metadata.
func head(rnd *rand.Rand) []byte {
	tiff := tiffBlock(map[uint16]any{
		0x010f: "Canon", 0x0110: fmt.Sprintf("Canon EOS %dD", 10+rnd.IntN(70)), 0x0112: uint16(1), 0x0131: "bench",
		0x0132: fmt.Sprintf("2026:%02d:%02d %02d:%02d:%02d", 1+rnd.IntN(12), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60)),
	})

	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(2+6+len(tiff)))...)

	return append(append(out, "Exif\x00\x00"...), tiff...)
}

// tiffBlock is a TIFF with one directory of texts and short numbers.
func tiffBlock(tags map[uint16]any) []byte {
	order := slices.Sorted(maps.Keys(tags)) // a directory is sorted
	be := binary.BigEndian
	head := be.AppendUint16([]byte("MM\x00*\x00\x00\x00\x08"), uint16(len(order)))
	var texts []byte
	end := len(head) + 12*len(order) + 4
	for _, tag := range order {
		head = be.AppendUint16(head, tag)
		switch v := tags[tag].(type) {
		case uint16:
			head = be.AppendUint16(be.AppendUint32(be.AppendUint16(head, 3), 1), v)
			head = append(head, 0, 0)
		case string:
			head = be.AppendUint32(be.AppendUint16(head, 2), uint32(len(v)+1))
			head = be.AppendUint32(head, uint32(end+len(texts)))
			texts = append(append(texts, v...), 0)
		}
	}

	return append(append(head, 0, 0, 0, 0), texts...)
}
