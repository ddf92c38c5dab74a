package imaging

// vp8lCode is a prefix code: the symbols by their length, and a table for the
// next 8 bits.
type vp8lCode struct {
	sole    bool // one symbol, which takes no bit
	symbol  uint16
	short   [1 << vp8lShort]uint16 // symbol<<4 | length, 0 for longer ones
	counts  [vp8lMaxLength + 1]uint16
	symbols []uint16
}

const (
	vp8lShort     = 8
	vp8lMaxLength = 15
)

// vp8lGroup are the five codes that belong together: of green with lengths and
// the cache, red, blue, alpha, and distances.
type vp8lGroup struct {
	codes [5]*vp8lCode
	still bool // pixels of it take no bits
}

// group reads a group of codes.
func (z *vp8l) group(cache uint) (vp8lGroup, error) {
	var g vp8lGroup
	green := vp8lLiterals + vp8lLengths
	if cache > 0 {
		green += 1 << cache
	}
	g.still = true
	for i, size := range [5]int{green, vp8lLiterals, vp8lLiterals, vp8lLiterals, vp8lDistances} {
		c, err := z.code(size)
		if err != nil {
			return g, err
		}
		g.codes[i] = c
		g.still = g.still && (c.sole || i == 4)
	}
	return g, nil
}

// code reads a code of so many symbols.
func (z *vp8l) code(size int) (*vp8lCode, error) {
	lengths := z.scratch[:size]
	clear(lengths)
	if z.read(1) == 1 {
		two, wide := z.read(1), z.read(1)
		symbols := []uint{z.read(1 + 7*wide)}
		if two == 1 {
			symbols = append(symbols, z.read(8))
		}
		for _, s := range symbols {
			if s >= uint(size) || lengths[s] > 0 {
				return nil, errVP8LCode
			}
			lengths[s] = 1
		}
	} else if err := z.lengths(lengths); err != nil {
		return nil, err
	}
	if err := z.ok(); err != nil {
		return nil, err
	}
	return z.build(lengths)
}

// vp8lOrder is the order in which the lengths of the lengths' code are written.
var vp8lOrder = [19]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// lengths reads the lengths of a code's symbols, which have a code themselves.
func (z *vp8l) lengths(lengths []uint8) error {
	var of [len(vp8lOrder)]uint8
	n := int(z.read(4)) + 4
	if n > len(of) {
		return errVP8LCode
	}
	for _, i := range vp8lOrder[:n] {
		of[i] = uint8(z.read(3))
	}
	c, err := z.build(of[:])
	if err != nil {
		return err
	}
	left := len(lengths)
	if z.read(1) == 1 {
		if left = int(z.read(2+2*z.read(3))) + 2; left > len(lengths) {
			return errVP8LCode
		}
	}
	last := uint8(8)
	for at := 0; at < len(lengths) && left > 0; left-- {
		v := uint8(c.next(z))
		if err := z.ok(); err != nil {
			return err
		}
		if v < 16 {
			lengths[at] = v
			at++
			if v > 0 {
				last = v
			}
			continue
		}
		repeated, extra, least := uint8(0), uint(7), 11
		switch v {
		case 16:
			repeated, extra, least = last, 2, 3
		case 17:
			extra, least = 3, 3
		}
		n := least + int(z.read(extra))
		if n > len(lengths)-at {
			return errVP8LCode
		}
		for range n {
			lengths[at] = repeated
			at++
		}
	}
	return nil
}

// build makes a code. It must be complete, or have a single symbol.
func (z *vp8l) build(lengths []uint8) (*vp8lCode, error) {
	c := &vp8lCode{}
	used, last := 0, 0
	for s, n := range lengths {
		if n > 0 {
			c.counts[n]++
			used, last = used+1, s
		}
	}
	switch used {
	case 0:
		return nil, errVP8LCode
	case 1:
		c.sole, c.symbol = true, uint16(last)
		return c, nil
	}
	room := 1
	var at, code [vp8lMaxLength + 2]int
	for n := 1; n <= vp8lMaxLength; n++ {
		at[n+1] = at[n] + int(c.counts[n])
		code[n+1] = (code[n] + int(c.counts[n])) << 1
		if room = room<<1 - int(c.counts[n]); room < 0 {
			return nil, errVP8LCode
		}
	}
	if room != 0 {
		return nil, errVP8LCode
	}
	c.symbols = z.room(used)
	for s, n := range lengths {
		if n == 0 {
			continue
		}
		c.symbols[at[n]] = uint16(s)
		at[n]++
		if n <= vp8lShort {
			c.enter(uint16(s), code[n], int(n))
		}
		code[n]++
	}
	return c, nil
}

// enter writes a symbol to all places of the table that begin with its code,
// which is read from its highest bit.
func (c *vp8lCode) enter(symbol uint16, code, n int) {
	reversed := 0
	for i := range n {
		reversed |= code >> i & 1 << (n - 1 - i)
	}
	for ; reversed < len(c.short); reversed += 1 << n {
		c.short[reversed] = symbol<<4 | uint16(n)
	}
}

// room is a piece for n symbols of a large slice.
func (z *vp8l) room(n int) []uint16 {
	const piece = 16 << 10
	if n > cap(z.symbols)-len(z.symbols) {
		z.symbols = make([]uint16, 0, piece)
	}
	at := len(z.symbols)
	z.symbols = z.symbols[:at+n]
	return z.symbols[at : at+n : at+n]
}

// next reads a symbol.
func (c *vp8lCode) next(z *vp8l) uint32 {
	if c.sole {
		return uint32(c.symbol)
	}
	z.fill()
	if e := c.short[z.bits&(1<<vp8lShort-1)]; e != 0 {
		z.skip(uint(e & 15))
		return uint32(e >> 4)
	}
	code, first, at := 0, 0, 0
	for n := 1; n <= vp8lMaxLength; n++ {
		code |= int(z.bits >> (n - 1) & 1)
		count := int(c.counts[n])
		if code-first < count {
			z.skip(uint(n))
			return uint32(c.symbols[at+code-first])
		}
		at += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0 // cannot be: the code is complete
}
