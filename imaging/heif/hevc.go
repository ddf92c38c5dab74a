package heif

import (
	"encoding/binary"
	"image"

	"inlet/imaging/isobmff"
)

// limited reports that luma goes from 16 to 235 and chroma from 16 to 240, which the
// module does not report. That is the default (ITU-T H.265, annex E) when neither the
// boxes nor the coded picture declare a range.
func limited(f *file, content []byte) bool {
	if f.header.Range != isobmff.RangeUnknown {
		return f.header.Range == isobmff.RangeLimited
	}
	e := f.header.HEVC
	if e == nil || e.Offset < 0 || e.Length < 0 || e.Offset > f.size-e.Length {
		return true
	}

	return !fullRange(content[e.Offset:][:e.Length])
}

// fullRange finds video_full_range_flag in the sequence parameter set of a decoder
// configuration (ISO/IEC 14496-15, 8.3.3).
func fullRange(hvcC []byte) bool {
	const arrays, spsUnit = 22, 33
	if len(hvcC) <= arrays {
		return false
	}

	b := hvcC[arrays+1:]
	for n := hvcC[arrays]; n > 0 && len(b) >= 3; n-- {
		kind := b[0] & 0x3f
		units := binary.BigEndian.Uint16(b[1:])
		b = b[3:]

		for ; units > 0; units-- {
			if len(b) < 2 || int(binary.BigEndian.Uint16(b)) > len(b)-2 {
				return false
			}
			unit := b[2:][:binary.BigEndian.Uint16(b)]
			b = b[2+len(unit):]

			if kind == spsUnit && len(unit) > 2 {
				s := bitReader{b: unescaped(unit[2:])}
				return s.fullRange() && !s.short
			}
		}
	}

	return false
}

// unescaped removes the emulation prevention bytes of a unit (ITU-T H.265, 7.4.2).
func unescaped(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i, v := range b {
		if v == 3 && i >= 2 && b[i-1] == 0 && b[i-2] == 0 {
			continue
		}
		out = append(out, v)
	}

	return out
}

// fullRange reads a sequence parameter set as far as video_full_range_flag (ITU-T
// H.265, 7.3.2.2 and E.2.1). Syntax that no still picture uses ends the data.
func (r *bitReader) fullRange() bool {
	r.bits(4)
	layers := r.bits(3)
	r.bits(1)
	r.profile(layers)

	r.exp()           // id
	if r.exp() == 3 { // 4:4:4
		r.bits(1)
	}
	r.exps(2) // width, height
	if r.flag() {
		r.exps(4) // window
	}
	r.exps(2) // depths
	order := r.exp() + 4
	if r.flag() {
		r.exps(3 * layers)
	}
	r.exps(9) // buffering, sizes of blocks
	if scaled := r.flag(); scaled && r.flag() {
		r.scaling()
	}
	r.bits(2)
	if r.flag() { // PCM
		r.bits(8)
		r.exps(2)
		r.bits(1)
	}
	r.references(order)
	r.bits(2)

	if !r.flag() { // no VUI
		return false
	}
	if r.flag() && r.bits(8) == 255 { // aspect ratio
		r.bits(32)
	}
	if r.flag() { // overscan
		r.bits(1)
	}
	if !r.flag() { // no video signal type
		return false
	}
	r.bits(3)

	return r.flag()
}

// profile reads profile_tier_level.
func (r *bitReader) profile(layers int) {
	r.skip(88 + 8)

	var present [8][2]bool
	for i := range layers {
		present[i] = [2]bool{r.flag(), r.flag()}
	}
	if layers > 0 {
		r.bits(2 * (8 - layers))
	}

	for _, p := range present {
		if p[0] {
			r.skip(88)
		}
		if p[1] {
			r.skip(8)
		}
	}
}

// scaling reads scaling_list_data.
func (r *bitReader) scaling() {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !r.flag() {
				r.exp()
				continue
			}
			if size > 1 {
				r.exp()
			}
			r.exps(min(64, 1<<(4+2*size)))
		}
	}
}

// references reads the sets of reference pictures. Stills have none; sets that are
// predicted from another one end the data.
func (r *bitReader) references(order int) {
	sets := r.exp()
	for i := range sets {
		if r.short {
			return
		}
		if i > 0 && r.flag() {
			r.short = true
			return
		}

		before, after := r.exp(), r.exp()
		for n := before + after; n > 0 && !r.short; n-- {
			r.exp()
			r.bits(1)
		}
	}

	if r.flag() { // long-term pictures
		for n := r.exp(); n > 0 && !r.short; n-- {
			r.skip(order + 1)
		}
	}
}

// bitReader reads bits, the highest first. Past the end it returns zeros and sets
// short.
type bitReader struct {
	b     []byte
	at    int // in bits
	short bool
}

// bits reads up to 32 bits.
func (r *bitReader) bits(n int) int {
	v := 0
	for range n {
		v <<= 1
		if r.at>>3 >= len(r.b) {
			r.short = true
			continue
		}
		v |= int(r.b[r.at>>3]>>(7-r.at&7)) & 1
		r.at++
	}

	return v
}

func (r *bitReader) flag() bool { return r.bits(1) == 1 }

func (r *bitReader) skip(n int) {
	if r.at += n; r.at > 8*len(r.b) {
		r.at, r.short = 8*len(r.b), true
	}
}

// exp reads an unsigned Exp-Golomb code. It skips signed ones, but misreads them.
func (r *bitReader) exp() int {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 31 || r.short {
			r.short = true
			return 0
		}
	}

	return 1<<zeros - 1 + r.bits(zeros)
}

func (r *bitReader) exps(n int) {
	for ; n > 0 && !r.short; n-- {
		r.exp()
	}
}

// stretch maps the limited range to the full one (ITU-R BT.601).
func stretch(m image.Image) {
	through := func(pix []uint8, span int) {
		var table [256]uint8
		for i := range table {
			table[i] = uint8(min(max(((i-16)*510+span)/(2*span), 0), 255))
		}
		for i, v := range pix {
			pix[i] = table[v]
		}
	}

	switch m := m.(type) {
	case *image.Gray:
		through(m.Pix, 219)
	case *image.YCbCr:
		through(m.Y, 219)
		through(m.Cb, 224)
		through(m.Cr, 224)
	}
}
