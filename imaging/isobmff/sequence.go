package isobmff

// sequence reads the first picture track of moov: the number of its frames and, if
// wanted, their size and codec.
func (f *file) sequence(moov box, h *Header, size bool) error {
	boxes, err := f.children(moov, 0)
	if err != nil {
		return err
	}

	for _, trak := range boxes {
		if trak.kind != "trak" {
			continue
		}
		table, ok, err := f.pictureTrack(trak)
		if err != nil {
			return err
		}
		if ok {
			return f.samples(table, h, size)
		}
	}
	if size {
		return malformed("no picture track")
	}

	return nil
}

// pictureTrack returns the contents of the sample table of a track of pictures.
func (f *file) pictureTrack(trak box) (stbl []box, ok bool, err error) {
	mdia, boxes, err := f.descend(trak, "mdia")
	if err != nil {
		return nil, false, err
	}
	kind, err := f.handler("a track", boxes)
	if err != nil || kind != "pict" && kind != "vide" {
		return nil, false, err
	}

	minf, _, err := f.descend(mdia, "minf")
	if err != nil {
		return nil, false, err
	}
	_, stbl, err = f.descend(minf, "stbl")

	return stbl, err == nil, err
}

// descend returns the child of a kind and its children.
func (f *file) descend(parent box, kind string) (box, []box, error) {
	boxes, err := f.children(parent, 0)
	if err != nil {
		return box{}, nil, err
	}
	b, ok := find(boxes, kind)
	if !ok {
		return box{}, nil, malformed("%q without %q", parent.kind, kind)
	}
	boxes, err = f.children(b, 0)

	return b, boxes, err
}

// samples reads the number of frames and, if wanted, their size and codec (ISO/IEC
// 14496-12, 8.5.2 and 8.7.3).
func (f *file) samples(stbl []box, h *Header, size bool) error {
	stsz, ok := find(stbl, "stsz")
	if !ok {
		return malformed("a track without stsz")
	}
	p, err := f.begin(stsz, 12)
	if err != nil {
		return err
	}
	p.full()
	each, frames := p.u32(), int64(p.u32())
	if p.short || frames == 0 || each == 0 && frames > (stsz.end-stsz.off-12)/4 {
		return malformed("a track of %d frames", frames)
	}
	h.Frames = int(frames)
	if !size {
		return nil
	}

	stsd, ok := find(stbl, "stsd")
	if !ok {
		return malformed("a track without stsd")
	}
	entries, err := f.children(stsd, 8)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return malformed("a track without a sample entry")
	}
	b, err := f.read(entries[0].off, 28)
	if err != nil {
		return err
	}
	p = &parser{b: b[24:]}
	h.Codec = entries[0].kind
	h.Width, h.Height = int(p.u16()), int(p.u16())

	return nil
}
