package isobmff

// sequence reads the first picture track of moov: how many frames it has and,
// where no still stands for it, its size.
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

// pictureTrack returns the sample table of a track of pictures.
func (f *file) pictureTrack(trak box) (table box, ok bool, err error) {
	mdia, boxes, err := f.descend(trak, "mdia")
	if err != nil {
		return box{}, false, err
	}
	hdlr, ok := find(boxes, "hdlr")
	if !ok {
		return box{}, false, malformed("a track without hdlr")
	}
	b, err := f.load(hdlr)
	if err != nil {
		return box{}, false, err
	}
	p := parser{b: b}
	p.u64() // version, flags, pre-defined
	if kind := p.tag(); p.short || kind != "pict" && kind != "vide" {
		return box{}, false, p.err()
	}
	minf, _, err := f.descend(mdia, "minf")
	if err != nil {
		return box{}, false, err
	}
	stbl, _, err := f.descend(minf, "stbl")
	return stbl, err == nil, err
}

// descend returns the child of a kind and what is in it.
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

// samples reads the number of frames and, if wanted, their size and codec.
func (f *file) samples(stbl box, h *Header, size bool) error {
	boxes, err := f.children(stbl, 0)
	if err != nil {
		return err
	}
	stsz, ok := find(boxes, "stsz")
	if !ok {
		return malformed("a track without stsz")
	}
	b, err := f.read(stsz.off, min(12, stsz.end-stsz.off))
	if err != nil {
		return err
	}
	p := parser{b: b}
	p.full()
	each, frames := p.u32(), int64(p.u32())
	if p.short || frames == 0 || each == 0 && frames > (stsz.end-stsz.off-12)/4 {
		return malformed("a track of %d frames", frames)
	}
	h.Frames = int(frames)
	if !size {
		return nil
	}
	stsd, ok := find(boxes, "stsd")
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
	if b, err = f.read(entries[0].off, 28); err != nil {
		return err
	}
	p = parser{b: b[24:]}
	h.Codec = entries[0].kind
	h.Width, h.Height = int(p.u16()), int(p.u16())
	return nil
}
