package isobmff

import (
	"encoding/binary"
	"slices"
)

// still reads meta, the description of a still picture, into h. It reports false if
// meta describes none, as beside the tracks of a sequence.
func (f *file) still(meta box, h *Header) (bool, error) {
	boxes, err := f.children(meta, 4)
	if err != nil {
		return false, err
	}
	kind, err := f.handler("meta", boxes)
	if _, named := find(boxes, "pitm"); err != nil || kind != "pict" || !named {
		return false, err
	}

	s, props, err := f.tables(boxes)
	if err != nil {
		return false, err
	}
	it := s.byID[s.primary]
	if it == nil || s.primary == 0 {
		return false, malformed("no primary picture")
	}
	coded := it
	if len(it.tiles) > 0 {
		coded = s.item(it.tiles[0])
	}

	h.Frames = 1
	h.Codec = coded.kind
	if err := f.properties(it, props, h); err != nil {
		return false, err
	}
	if err := f.coding(slices.Concat(it.props, coded.props), props, h); err != nil {
		return false, err
	}
	if h.Width == 0 && it.kind == "grid" {
		if err := f.gridSize(it, h); err != nil {
			return false, err
		}
	}

	if err := s.whole(s.primary, f.size); err != nil {
		return false, err
	}
	if exif := s.byID[s.exif]; s.exif != 0 && exif.located {
		h.Exif = inside(exif.extents, f.size)
	}

	return true, nil
}

// tables loads the item tables and lists the properties.
func (f *file) tables(boxes []box) (*items, []box, error) {
	s := &items{byID: map[uint32]*item{}}
	idat, _ := find(boxes, "idat")
	for _, b := range boxes {
		switch b.kind {
		case "pitm", "iinf", "iref", "iloc":
			if err := f.table(s, b, idat); err != nil {
				return nil, nil, err
			}
		}
	}

	iprp, ok := find(boxes, "iprp")
	if !ok {
		return nil, nil, malformed("no properties")
	}
	boxes, err := f.children(iprp, 0)
	if err != nil {
		return nil, nil, err
	}
	var props []box
	for _, b := range boxes {
		switch b.kind {
		case "ipco":
			props, err = f.children(b, 0)
		case "ipma":
			err = f.table(s, b, idat)
		}
		if err != nil {
			return nil, nil, err
		}
	}

	return s, props, nil
}

func (f *file) table(s *items, b, idat box) error {
	p, err := f.load(b)
	if err != nil {
		return err
	}
	return s.parse(b.kind, p, idat)
}

// chosen lists the properties of the given numbers, as ipma counts them.
func chosen(numbers []uint16, props []box) (boxes []box) {
	for _, i := range numbers {
		if i > 0 && int(i) <= len(props) {
			boxes = append(boxes, props[i-1])
		}
	}
	return boxes
}

// properties reads the size, the rotation and the mirror of an item into h (ISO/IEC
// 23008-12, 6.5).
func (f *file) properties(it *item, props []box, h *Header) error {
	for _, b := range chosen(it.props, props) {
		if b.kind != "ispe" && b.kind != "irot" && b.kind != "imir" {
			continue
		}
		p, err := f.load(b)
		if err != nil {
			return err
		}

		switch b.kind {
		case "ispe":
			p.full()
			h.Width, h.Height = int(p.u32()), int(p.u32())
		case "irot":
			h.Rotation = int(p.u8()&3) * 90
		case "imir":
			h.Mirror = MirrorTopBottom + Mirror(p.u8()&1)
		}
		if err := p.err(); err != nil {
			return err
		}
	}

	return nil
}

// coding reads the decoder configuration and the range into h. The first property
// that declares one counts.
func (f *file) coding(numbers []uint16, props []box, h *Header) error {
	for _, b := range chosen(numbers, props) {
		switch {
		case b.kind == "hvcC" && h.HEVC == nil:
			h.HEVC = &Extent{b.off, b.end - b.off}
		case b.kind == "colr" && h.Range == RangeUnknown:
			p, err := f.begin(b, 11)
			if err != nil {
				return err
			}
			kind := p.tag()
			p.take(6) // primaries, transfer, matrix
			if full := p.u8()&0x80 != 0; kind == "nclx" && !p.short {
				h.Range = RangeLimited
				if full {
					h.Range = RangeFull
				}
			}
		}
	}

	return nil
}

// gridSize reads the size of a grid without ispe from the grid's own payload (ISO/IEC
// 23008-12, 6.6.2.3).
func (f *file) gridSize(it *item, h *Header) error {
	if len(it.extents) == 0 {
		return malformed("a grid without content")
	}
	b, err := f.read(it.extents[0].Offset, 12)
	if err != nil {
		return err
	}

	if wide := b[1]&1 != 0; wide {
		h.Width, h.Height = int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint32(b[8:]))
	} else {
		h.Width, h.Height = int(binary.BigEndian.Uint16(b[4:])), int(binary.BigEndian.Uint16(b[6:]))
	}

	return nil
}

// whole checks that the data of an item and of its tiles lie in the file.
func (s *items) whole(id uint32, size int64) error {
	for _, id := range append([]uint32{id}, s.byID[id].tiles...) {
		it := s.byID[id]
		if it == nil || !it.located || (len(it.extents) == 0 && len(it.tiles) == 0) {
			return malformed("the data of the picture are not in the file")
		}
		if inside(it.extents, size) == nil && len(it.extents) > 0 {
			return malformed("the file ends before its picture data")
		}
	}

	return nil
}

// inside resolves the lengths of extents. It returns nil if one does not lie in a file
// of the given size.
func inside(extents []Extent, size int64) []Extent {
	var out []Extent
	for _, e := range extents {
		if e.Length == 0 {
			e.Length = size - e.Offset
		}
		if e.Length <= 0 || e.Offset > size-e.Length {
			return nil
		}
		out = append(out, e)
	}

	return out
}
