package imaging

import (
	"errors"
	"io"
)

// vp8l follows the lossless coding of WebP without keeping pixels: it reads
// every code, and knows of the picture no more than how many pixels there are.
// Only the map that says which codes hold where is decoded, at most a 16th of
// the picture.
type vp8l struct {
	in   io.ByteReader
	err  error // why no more bytes could be read
	bits uint64
	n    uint // how many bits hold data

	short bool // more was read than there is

	scratch [vp8lLiterals + vp8lLengths + 1<<vp8lMaxCache]uint8 // the lengths of the code that is read
	symbols []uint16                                            // of all codes
}

var (
	errVP8LCode  = errors.New("the lossless data hold a code that means nothing")
	errVP8LShort = errors.New("there are fewer pixels than promised")
)

// Transforms of VP8L, and the alphabets of its codes.
const (
	vp8lPredictor, vp8lCrossColour = 0, 1
	vp8lPalette                    = 3
	vp8lLiterals, vp8lLengths      = 256, 24
	vp8lDistances, vp8lMaxCache    = 40, 11
	// vp8lMaxGroups is more than libwebp writes, and all that x/image takes.
	vp8lMaxGroups = 2600
)

// checkVP8L reads a picture of width × height pixels, from behind its header.
func checkVP8L(in io.ByteReader, width, height int) error {
	z := &vp8l{in: in}
	seen := 0
	for z.read(1) == 1 {
		kind := int(z.read(2))
		if seen&(1<<kind) != 0 {
			return errVP8LCode
		}
		seen |= 1 << kind
		var err error
		switch kind {
		case vp8lPredictor, vp8lCrossColour:
			size := z.read(3) + 2
			err = z.picture(tiles(width, size), tiles(height, size))
		case vp8lPalette:
			n := int(z.read(8)) + 1
			err = z.picture(n, 1)
			for _, packed := range []struct {
				colours int
				bits    uint
			}{{2, 3}, {4, 2}, {16, 1}} {
				if n <= packed.colours {
					width = tiles(width, packed.bits)
					break
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return z.mainPicture(width, height)
}

func tiles(n int, bits uint) int { return (n + 1<<bits - 1) >> bits }

// fill makes sure that 32 bits can be looked at; behind the end they are 0.
func (z *vp8l) fill() {
	for z.n <= 32 && z.err == nil {
		var b byte
		if b, z.err = z.in.ReadByte(); z.err == nil {
			z.bits |= uint64(b) << z.n
			z.n += 8
		}
	}
}

// read reads up to 32 bits. What was read behind the end is found out by ok.
func (z *vp8l) read(k uint) uint {
	z.fill()
	v := z.bits & (1<<k - 1)
	z.skip(k)
	return uint(v)
}

// skip passes over bits that fill has brought, if there are so many.
func (z *vp8l) skip(k uint) {
	if k > z.n {
		z.n, z.bits, z.short = 0, 0, true
		return
	}
	z.bits >>= k
	z.n -= k
}

// ok is nil as long as no more was read than there is.
func (z *vp8l) ok() error {
	if !z.short {
		return nil
	}
	if errors.Is(z.err, io.EOF) {
		return errVP8LShort
	}
	return z.err
}

// cacheBits reads whether there is a colour cache, and of which size.
func (z *vp8l) cacheBits() (uint, error) {
	if z.read(1) == 0 {
		return 0, nil
	}
	n := z.read(4)
	if n < 1 || n > vp8lMaxCache {
		return 0, errVP8LCode
	}
	return n, nil
}

// picture follows a small picture inside, whose pixels do not matter.
func (z *vp8l) picture(width, height int) error {
	cache, err := z.cacheBits()
	if err != nil {
		return err
	}
	group, err := z.group(cache)
	if err != nil {
		return err
	}
	return z.follow(width, height, &vp8lMap{groups: []vp8lGroup{group}}, nil)
}

// mainPicture follows the picture itself.
func (z *vp8l) mainPicture(width, height int) error {
	cache, err := z.cacheBits()
	if err != nil {
		return err
	}
	m := &vp8lMap{}
	if z.read(1) == 1 {
		if err := z.groupMap(m, width, height); err != nil {
			return err
		}
	}
	if err := z.groups(m, cache); err != nil {
		return err
	}
	return z.follow(width, height, m, nil)
}

// vp8lMap says which group of codes holds where: that of the tile.
type vp8lMap struct {
	groups []vp8lGroup
	bits   uint // of a tile's side, 0 for one group alone
	across int  // tiles
	tiles  []uint32
}

// groupMap decodes the map.
func (z *vp8l) groupMap(m *vp8lMap, width, height int) error {
	m.bits = z.read(3) + 2
	m.across = tiles(width, m.bits)
	down := tiles(height, m.bits)
	cache, err := z.cacheBits()
	if err != nil {
		return err
	}
	group, err := z.group(cache)
	if err != nil {
		return err
	}
	p := &vp8lPixels{pix: make([]uint32, 0, m.across*down), width: m.across, shift: 32 - cache}
	if cache > 0 {
		p.cache = make([]uint32, 1<<cache)
	}
	err = z.follow(m.across, down, &vp8lMap{groups: []vp8lGroup{group}}, p)
	m.tiles = p.pix
	return err
}

// groups reads all groups of codes that the map may name.
func (z *vp8l) groups(m *vp8lMap, cache uint) error {
	n := 1
	for i, argb := range m.tiles {
		m.tiles[i] = argb >> 8 & 0xffff
		n = max(n, int(m.tiles[i])+1)
	}
	if n > vp8lMaxGroups {
		return errVP8LCode
	}
	for range n {
		g, err := z.group(cache)
		if err != nil {
			return err
		}
		m.groups = append(m.groups, g)
	}
	return nil
}

// follow reads the codes of width × height pixels. If p is not nil it gets
// them.
func (z *vp8l) follow(width, height int, m *vp8lMap, p *vp8lPixels) error {
	total, at := width*height, 0
	x, y, g := 0, 0, &m.groups[0]
	tile := -1 // the tile that g is of
	for at < total {
		if m.bits > 0 {
			if now := y>>m.bits*m.across + x>>m.bits; now != tile {
				tile, g = now, &m.groups[m.tiles[now]]
			}
		}
		n := 1
		switch green := g.codes[0].next(z); {
		case green < vp8lLiterals:
			red, blue, alpha := g.codes[1].next(z), g.codes[2].next(z), g.codes[3].next(z)
			if p != nil {
				p.add(alpha<<24 | red<<16 | green<<8 | blue)
			} else if g.still && m.bits == 0 {
				return z.ok() // the same pixel to the end, without a bit
			}
		case green < vp8lLiterals+vp8lLengths:
			n = z.extended(green - vp8lLiterals)
			back := distance(z.extended(g.codes[4].next(z)), width)
			if back > at || n > total-at {
				return errors.Join(z.ok(), errVP8LCode)
			}
			if p != nil {
				p.repeat(back, n)
			}
		case p != nil:
			p.add(p.cached(green - vp8lLiterals - vp8lLengths))
		}
		if err := z.ok(); err != nil {
			return err
		}
		at += n
		for x += n; x >= width; x -= width {
			y++
		}
	}
	return nil
}

// extended reads what belongs to the symbol of a length or a distance.
func (z *vp8l) extended(symbol uint32) int {
	if symbol < 4 {
		return int(symbol) + 1
	}
	extra := uint(symbol-2) >> 1
	return int((2+uint(symbol)&1)<<extra+z.read(extra)) + 1
}

// distance turns a distance's code into pixels: the first 120 are positions
// near by.
func distance(code, width int) int {
	if code > len(vp8lNear) {
		return code - len(vp8lNear)
	}
	near := vp8lNear[code-1]
	return max(1, int(near>>4)*width+8-int(near&15))
}

// vp8lNear are positions above and to the left: rows, and 8 less the columns.
const vp8lNear = "\x18\x07\x17\x19\x28\x06\x27\x29\x16\x1a\x26\x2a\x38\x05\x37\x39\x15\x1b\x36\x3a" +
	"\x25\x2b\x48\x04\x47\x49\x14\x1c\x35\x3b\x46\x4a\x24\x2c\x58\x45\x4b\x34\x3c\x03" +
	"\x57\x59\x13\x1d\x56\x5a\x23\x2d\x44\x4c\x55\x5b\x33\x3d\x68\x02\x67\x69\x12\x1e" +
	"\x66\x6a\x22\x2e\x54\x5c\x43\x4d\x65\x6b\x32\x3e\x78\x01\x77\x79\x53\x5d\x11\x1f" +
	"\x64\x6c\x42\x4e\x76\x7a\x21\x2f\x75\x7b\x31\x3f\x63\x6d\x52\x5e\x00\x74\x7c\x41" +
	"\x4f\x10\x20\x62\x6e\x30\x73\x7d\x51\x5f\x40\x72\x7e\x61\x6f\x50\x71\x7f\x60\x70"

// vp8lPixels are the pixels of the map, and the cache of colours.
type vp8lPixels struct {
	pix   []uint32
	width int
	cache []uint32
	shift uint
}

func (p *vp8lPixels) add(argb uint32) {
	p.pix = append(p.pix, argb)
	if p.cache != nil {
		p.cache[argb*0x1e35a7bd>>p.shift] = argb
	}
}

func (p *vp8lPixels) repeat(back, n int) {
	for range n {
		p.add(p.pix[len(p.pix)-back])
	}
}

func (p *vp8lPixels) cached(i uint32) uint32 { return p.cache[i] }
