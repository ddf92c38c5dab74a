package dcjpeg

const shortBits = 9 // bits that index a table of single symbols

// huffSpec is a Huffman table as DHT declares it.
type huffSpec struct {
	defined bool
	counts  [16]uint8 // codes of length i+1
	symbols [256]uint8
}

// codes maps Huffman codes to symbols.
type codes struct {
	spec  huffSpec
	short [1 << shortBits]uint16 // length<<8 | symbol, 0 for longer codes
	limit [16]uint32             // first code behind those of length i+1, from the top of 16 bits
	base  [16]int32              // index of a code's symbol minus the code
}

// use builds the codes of a spec, unless they are those of the last call (T.81,
// annex C). It fails if the spec is undefined or its codes do not fit.
func (c *codes) use(spec *huffSpec) error {
	if !spec.defined {
		return corrupt("a Huffman table is missing")
	}
	if c.spec == *spec {
		return nil
	}

	c.spec = *spec
	code, index := uint32(0), int32(0)
	for i, n := range spec.counts {
		c.base[i] = index - int32(code)
		code += uint32(n)
		index += int32(n)
		if code > 1<<(i+1) {
			c.spec.defined = false
			return corrupt("a Huffman table has too many codes")
		}
		c.limit[i] = code << (15 - i)
		code <<= 1
	}
	c.fillShort()

	return nil
}

func (c *codes) fillShort() {
	clear(c.short[:])
	code, index := 0, 0

	for i := range shortBits {
		for range c.spec.counts[i] {
			at := code << (shortBits - 1 - i)
			for k := range 1 << (shortBits - 1 - i) {
				c.short[at+k] = uint16(i+1)<<8 | uint16(c.spec.symbols[index])
			}
			code++
			index++
		}
		code <<= 1
	}
}

// find returns the symbol at the top of acc and the length of its code, or a
// length of 0 for bits that are no code.
func (c *codes) find(acc uint64) (symbol uint8, length uint) {
	if e := c.short[acc>>(64-shortBits)]; e != 0 {
		return uint8(e), uint(e >> 8)
	}

	top := uint32(acc >> 48)
	for i, limit := range c.limit {
		if top < limit {
			return c.spec.symbols[uint8(c.base[i]+int32(top>>(15-i)))], uint(i + 1)
		}
	}

	return 0, 0
}

func (b *bitReader) diff(dc *codes) (diff int32, ok bool) {
	b.refill()
	symbol, length := dc.find(b.acc)
	size := uint(symbol)
	if length == 0 || size > 16 {
		return 0, false
	}

	diff = value(b.acc<<length, size)
	b.acc <<= length + size
	b.n -= length + size

	return diff, true
}

// value decodes the size ≤ 16 bits at the top of acc: a first bit of 1 means a
// positive number; after a 0 they count up from -(1<<size - 1) (T.81, F.2.2.1).
func value(acc uint64, size uint) int32 {
	v := int32(acc >> 1 >> (63 - size&63))
	negative := int32(^acc>>63) * -1
	return v + negative&(1-int32(1)<<(size&31))
}
