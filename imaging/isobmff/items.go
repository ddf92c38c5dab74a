package isobmff

// Bounds of the tables in meta.
const (
	maxItems   = 16384
	maxExtents = 65536
	maxTiles   = 16384
	maxProps   = 32 // of one item
)

type item struct {
	kind    string   // "hvc1", "grid", "Exif"
	props   []uint16 // 1-based indexes into ipco, in the order they apply
	tiles   []uint32 // the items that a grid consists of
	extents []Extent
	located bool // extents are known, and in this file
}

// items holds the tables of one meta box.
type items struct {
	primary uint32
	byID    map[uint32]*item
	exif    uint32 // 0 if there is none
	full    bool   // the file has more than maxItems
}

// item returns the item of a number, and adds it if it is new.
func (s *items) item(id uint32) *item {
	it := s.byID[id]
	if it != nil {
		return it
	}

	it = &item{}
	if s.full = len(s.byID) == maxItems; !s.full {
		s.byID[id] = it
	}

	return it
}

// parse reads a table of the given kind (ISO/IEC 14496-12, 8.11).
func (s *items) parse(kind string, p *parser, idat box) error {
	version, flags := p.full()
	var err error
	switch kind {
	case "pitm":
		s.primary = p.id(version >= 1)
		err = p.err()
	case "iinf":
		err = s.info(p, version)
	case "iref":
		err = s.references(p, version)
	case "iloc":
		err = s.locations(p, version, idat)
	case "ipma":
		err = s.associations(p, version, flags)
	}
	if err == nil && s.full {
		err = malformed("too many items")
	}

	return err
}

// info reads iinf: the type of every item.
func (s *items) info(p *parser, version uint8) error {
	n := p.id(version >= 1)
	if n > maxItems {
		return malformed("%d items", n)
	}

	for ; n > 0 && len(p.b) >= 8; n-- {
		box, entry, err := p.box("iinf")
		if err != nil {
			return err
		}
		v, _ := entry.full()
		if box != "infe" || v < 2 {
			continue // older entries have no type
		}

		id := entry.id(v >= 3)
		entry.u16() // protection
		kind := entry.tag()
		if err := entry.err(); err != nil {
			return err
		}
		s.item(id).kind = kind
		if kind == "Exif" && s.exif == 0 {
			s.exif = id
		}
	}

	return p.err()
}

// references reads iref: the tiles of each grid.
func (s *items) references(p *parser, version uint8) error {
	tiles := 0
	for len(p.b) >= 8 {
		kind, ref, err := p.box("iref")
		if err != nil {
			return err
		}
		if kind != "dimg" {
			continue
		}

		from := s.item(ref.id(version >= 1))
		for n := ref.u16(); n > 0 && !ref.short; n-- {
			if tiles++; tiles > maxTiles {
				return malformed("too many tiles")
			}
			from.tiles = append(from.tiles, ref.id(version >= 1))
		}
		if err := ref.err(); err != nil {
			return err
		}
	}

	return nil
}

// associations reads ipma: the properties of each item.
func (s *items) associations(p *parser, version uint8, flags uint32) error {
	n := p.u32()
	if n > maxItems {
		return malformed("%d items", n)
	}

	for ; n > 0 && !p.short; n-- {
		it := s.item(p.id(version >= 1))
		it.props = nil
		for c := p.u8(); c > 0 && !p.short; c-- {
			var prop uint16
			if flags&1 != 0 {
				prop = p.u16() & 0x7fff
			} else {
				prop = uint16(p.u8() & 0x7f)
			}
			if len(it.props) < maxProps {
				it.props = append(it.props, prop)
			}
		}
	}

	return p.err()
}

// locations reads iloc: where the bytes of each item lie.
func (s *items) locations(p *parser, version uint8, idat box) error {
	sizes := p.u16()
	offsetSize, lengthSize, baseSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15)
	indexSize := 0
	if version >= 1 {
		indexSize = int(sizes & 15)
	}
	for _, n := range []int{offsetSize, lengthSize, baseSize, indexSize} {
		if n != 0 && n != 4 && n != 8 {
			return malformed("numbers of %d bytes in iloc", n)
		}
	}
	n := p.id(version >= 2)
	if version > 2 || n > maxItems {
		return malformed("iloc version %d with %d items", version, n)
	}

	total := 0
	for ; n > 0 && !p.short; n-- {
		it := s.item(p.id(version >= 2))
		method := uint16(0)
		if version >= 1 {
			method = p.u16() & 15
		}
		elsewhere := p.u16() != 0
		base := p.uint(baseSize)
		count := int(p.u16())
		if total += count; total > maxExtents {
			return malformed("too many extents")
		}

		it.extents, it.located = nil, method <= 1 && !elsewhere
		for ; count > 0 && !p.short; count-- {
			p.uint(indexSize)
			e, err := extent(base, p.uint(offsetSize), p.uint(lengthSize), method == 1, idat)
			if err != nil {
				return err
			}
			it.extents = append(it.extents, e)
		}
	}

	return p.err()
}

// extent turns the fields of iloc into a place in the file. A length of 0 means all
// the rest; it stays 0 if the offset is one in the file.
func extent(base, offset, length uint64, inIdat bool, idat box) (Extent, error) {
	const limit = 1 << 60
	if base > limit || offset > limit || length > limit {
		return Extent{}, malformed("an extent outside the file")
	}

	e := Extent{int64(base + offset), int64(length)}
	if !inIdat {
		return e, nil
	}

	room := idat.end - idat.off - e.Offset
	if e.Length == 0 {
		e.Length = room
	}
	if room <= 0 || e.Length > room {
		return Extent{}, malformed("an extent outside idat")
	}
	e.Offset += idat.off

	return e, nil
}
