package fingerprint

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Size is how many bytes a Fingerprint is stored in.
const Size = 8 + hashBits/8 + thumbSide*thumbSide + 2*chromaCells*chromaCells

const chromaCells = 16

// ErrMalformed is said of stored bytes that are no Fingerprint.
var ErrMalformed = errors.New("malformed fingerprint")

// Fingerprint is what is kept of a picture: its size, its hash, and a thumbnail of
// 64×64 luma and 16×16 chroma samples whatever its shape. 4,648 bytes.
type Fingerprint struct {
	Width, Height int // as displayed
	Hash          Hash
	luma          Plane // 64×64
	cb, cr        Plane // 16×16
}

// Of makes a picture's Fingerprint and the keys to look others up by. It is false for
// pictures with too little in them to be told from others (blank, gradients,
// tiny): their copies are known by their bytes alone.
func Of(p *Picture) (of *Fingerprint, probes []int32, ok bool) {
	if min(p.Luma.W, p.Luma.H) < minShort || max(p.Luma.W, p.Luma.H) < minSide {
		return nil, nil, false
	}
	of = &Fingerprint{
		Width: p.Width, Height: p.Height,
		luma: p.Luma.cells(thumbSide, thumbSide),
		cb:   p.Cb.cells(chromaCells, chromaCells), cr: p.Cr.cells(chromaCells, chromaCells),
	}
	of.Hash, probes, ok = hashOf(of.luma)
	if !ok {
		return nil, nil, false
	}
	return of, probes, true
}

// cells is reduce for planes that may have fewer samples than cells.
func (p Plane) cells(w, h int) Plane {
	if p.W >= w && p.H >= h {
		return p.reduce(w, h)
	}
	fx, fy := (w+p.W-1)/p.W, (h+p.H-1)/p.H
	big := Plane{p.W * fx, p.H * fy, make([]uint8, p.W*fx*p.H*fy)}
	for y := range big.H {
		line, from := big.row(y), p.row(y/fy)
		for x := range line {
			line[x] = from[x/fx]
		}
	}
	return big.reduce(w, h)
}

// MarshalBinary never fails.
func (p *Fingerprint) MarshalBinary() ([]byte, error) {
	out := make([]byte, 0, Size)
	out = binary.BigEndian.AppendUint32(out, uint32(p.Width))
	out = binary.BigEndian.AppendUint32(out, uint32(p.Height))
	for _, v := range p.Hash {
		out = binary.BigEndian.AppendUint64(out, v)
	}
	out = append(out, p.luma.Pix...)
	out = append(out, p.cb.Pix...)
	return append(out, p.cr.Pix...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote; else it says ErrMalformed.
func (p *Fingerprint) UnmarshalBinary(in []byte) error {
	if len(in) != Size {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(in))
	}
	take := func(n int) []byte {
		part := in[:n:n]
		in = in[n:]
		return part
	}
	p.Width, p.Height = int(binary.BigEndian.Uint32(take(4))), int(binary.BigEndian.Uint32(take(4)))
	if p.Width == 0 || p.Height == 0 {
		return fmt.Errorf("%w: %d×%d", ErrMalformed, p.Width, p.Height)
	}
	for i := range p.Hash {
		p.Hash[i] = binary.BigEndian.Uint64(take(8))
	}
	plane := func(side int) Plane {
		return Plane{side, side, append([]uint8(nil), take(side*side)...)}
	}
	p.luma, p.cb, p.cr = plane(thumbSide), plane(chromaCells), plane(chromaCells)
	return nil
}
