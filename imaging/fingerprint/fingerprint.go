package fingerprint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Size is the length of a stored Fingerprint, in bytes.
const Size = 8 + hashBits/8 + thumbSide*thumbSide + 2*chromaCells*chromaCells

const chromaCells = 16

// ErrMalformed means stored bytes that are no Fingerprint.
var ErrMalformed = errors.New("malformed fingerprint")

// Fingerprint describes a picture in 4,648 bytes: its size, its hash, and a
// thumbnail of 64×64 luma and 16×16 chroma samples, whatever its shape.
type Fingerprint struct {
	Width, Height int // in pixels, as displayed
	Hash          Hash
	luma          Plane // 64×64
	cb, cr        Plane // 16×16
}

// Of makes a picture's Fingerprint and the keys to look candidates up by. It is
// false for a picture with too little in it to tell it from others (blank, gradient,
// tiny): only the bytes identify its copies.
func Of(p *Picture) (f *Fingerprint, probes []int32, ok bool) {
	if min(p.Luma.W, p.Luma.H) < minShort || max(p.Luma.W, p.Luma.H) < minSide {
		return nil, nil, false
	}

	luma := p.Luma.cells(thumbSide, thumbSide)
	hash, probes, ok := HashOf(transform(luma))
	if !ok {
		return nil, nil, false
	}

	return &Fingerprint{
		Width: p.Width, Height: p.Height, Hash: hash, luma: luma,
		cb: p.Cb.cells(chromaCells, chromaCells), cr: p.Cr.cells(chromaCells, chromaCells),
	}, probes, true
}

// cells is reduce for planes that may have fewer samples than cells.
func (p Plane) cells(w, h int) Plane {
	if p.W >= w && p.H >= h {
		return p.reduce(w, h)
	}

	fx, fy := (w+p.W-1)/p.W, (h+p.H-1)/p.H
	big := newPlane(p.W*fx, p.H*fy)
	for y := range big.H {
		line, from := big.row(y), p.row(y/fy)
		for x := range line {
			line[x] = from[x/fx]
		}
	}

	return big.reduce(w, h)
}

// MarshalBinary never fails.
func (f *Fingerprint) MarshalBinary() ([]byte, error) {
	out := make([]byte, 0, Size)
	out = binary.BigEndian.AppendUint32(out, uint32(f.Width))
	out = binary.BigEndian.AppendUint32(out, uint32(f.Height))
	for _, v := range f.Hash {
		out = binary.BigEndian.AppendUint64(out, v)
	}
	return slices.Concat(out, f.luma.Pix, f.cb.Pix, f.cr.Pix), nil
}

// UnmarshalBinary reads the bytes of MarshalBinary. It returns ErrMalformed for
// others.
func (f *Fingerprint) UnmarshalBinary(in []byte) error {
	if len(in) != Size {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(in))
	}
	take := func(n int) []byte {
		part := in[:n]
		in = in[n:]
		return part
	}

	f.Width, f.Height = int(binary.BigEndian.Uint32(take(4))), int(binary.BigEndian.Uint32(take(4)))
	if f.Width == 0 || f.Height == 0 {
		return fmt.Errorf("%w: %d×%d", ErrMalformed, f.Width, f.Height)
	}
	for i := range f.Hash {
		f.Hash[i] = binary.BigEndian.Uint64(take(8))
	}
	plane := func(side int) Plane { return Plane{side, side, slices.Clone(take(side * side))} }
	f.luma, f.cb, f.cr = plane(thumbSide), plane(chromaCells), plane(chromaCells)

	return nil
}
