package dcjpeg

const lookBits = 9 // bits that index a table of single symbols

// huffSpec is a Huffman table as DHT gives it.
type huffSpec struct {
	defined bool
	counts  [16]uint8 // codes of length i+1
	symbols [256]uint8
}

// codes tells what symbol a code stands for.
type codes struct {
	spec  huffSpec
	look  [1 << lookBits]uint16 // length<<8 | symbol, 0 for longer codes
	limit [16]uint32            // first code behind those of length i+1, from the top of 16 bits
	base  [16]int32             // index of a code's symbol minus the code
}

// use makes the codes of a spec. It returns false if they do not fit.
func (c *codes) use(spec *huffSpec) bool {
	if c.spec == *spec {
		return true
	}
	c.spec = *spec
	code, index := uint32(0), int32(0)
	for i, n := range spec.counts {
		c.base[i] = index - int32(code)
		code += uint32(n)
		index += int32(n)
		if code > 1<<(i+1) {
			c.spec.defined = false
			return false
		}
		c.limit[i] = code << (15 - i)
		code <<= 1
	}
	c.lookup()
	return true
}

// lookup fills the table of single symbols.
func (c *codes) lookup() {
	clear(c.look[:])
	code, index := 0, 0
	for i := range lookBits {
		for range c.spec.counts[i] {
			at := code << (lookBits - 1 - i)
			entry := uint16(i+1)<<8 | uint16(c.spec.symbols[index])
			for k := range 1 << (lookBits - 1 - i) {
				c.look[at+k] = entry
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
	if e := c.look[acc>>(64-lookBits)]; e != 0 {
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

// diff reads one DC difference.
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

// value is what the size ≤ 16 bits at the top of acc stand for: the first of
// them tells the sign; without it, they count up from -(1<<size - 1).
func value(acc uint64, size uint) int32 {
	v := int32(acc >> 1 >> (63 - size&63))
	negative := int32(^acc>>63) * -1
	return v + negative&(1-int32(1)<<(size&31))
}
