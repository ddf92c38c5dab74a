package isobmff

import (
	"encoding/binary"
	"slices"
)

// still reads meta, the description of a still picture, into h. It reports
// false when meta describes none, as beside the tracks of a sequence.
func (f *file) still(meta box, h *Header) (bool, error) {
	boxes, err := f.children(meta, 4)
	if err != nil {
		return false, err
	}
	if ok, err := f.describesPictures(boxes); err != nil || !ok {
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
	h.Frames = 1
	h.Codec = it.kind
	if len(it.tiles) > 0 {
		h.Codec = s.item(it.tiles[0]).kind
	}
	if err := f.properties(it, props, h); err != nil {
		return false, err
	}
	coded := it
	if len(it.tiles) > 0 {
		coded = s.item(it.tiles[0])
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

// describesPictures tells whether the handler of meta is that of pictures and a
// primary one is named.
func (f *file) describesPictures(boxes []box) (bool, error) {
	hdlr, ok := find(boxes, "hdlr")
	if !ok {
		return false, malformed("meta without hdlr")
	}
	b, err := f.load(hdlr)
	if err != nil {
		return false, err
	}
	p := parser{b: b}
	p.u64() // version, flags, pre-defined
	kind := p.tag()
	_, named := find(boxes, "pitm")
	return kind == "pict" && named, p.err()
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
	content, err := f.load(b)
	if err != nil {
		return err
	}
	return s.parse(b, content, idat)
}

// properties reads the size and the turns of an item into h.
func (f *file) properties(it *item, props []box, h *Header) error {
	for _, i := range it.props {
		if i == 0 || int(i) > len(props) {
			continue
		}
		b := props[i-1]
		if b.kind != "ispe" && b.kind != "irot" && b.kind != "imir" {
			continue
		}
		content, err := f.load(b)
		if err != nil {
			return err
		}
		p := parser{b: content}
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

// coding reads into h how the picture is coded; of the properties, numbered as in
// ipma, the first that says it counts.
func (f *file) coding(numbers []uint16, props []box, h *Header) error {
	for _, i := range numbers {
		if i == 0 || int(i) > len(props) {
			continue
		}
		b := props[i-1]
		switch {
		case b.kind == "hvcC" && h.HEVC == nil:
			h.HEVC = &Extent{b.off, b.end - b.off}
		case b.kind == "colr" && h.Range == RangeUnknown:
			content, err := f.read(b.off, min(11, b.end-b.off))
			if err != nil {
				return err
			}
			p := parser{b: content}
			kind := p.tag()
			p.u16() // primaries
			p.u16() // transfer
			p.u16() // matrix
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

// gridSize reads the size of a grid without ispe from the grid's own payload.
func (f *file) gridSize(it *item, h *Header) error {
	if len(it.extents) == 0 {
		return malformed("a grid without content")
	}
	b, err := f.read(it.extents[0].Offset, 12)
	if err != nil {
		return err
	}
	if b[1]&1 != 0 {
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

// inside returns the extents, their lengths made out, if they lie in a file of
// the given size, otherwise nil.
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
