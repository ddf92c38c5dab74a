package dcjpeg

import "encoding/binary"

const (
	dcBits = 9  // bits that index a DC table
	acBits = 13 // bits that index an AC table
)

// huffSpec is a Huffman table as DHT gives it.
type huffSpec struct {
	defined bool
	counts  [16]uint8 // codes of length i+1
	symbols [256]uint8
}

// codes finds what symbol a code stands for, canonically: one length after the
// other. It is for the codes too long for a table, and for making the tables.
type codes struct {
	spec  huffSpec
	limit [16]uint32 // first code behind those of length i+1, from the top of 16 bits
	base  [16]int32  // index of a code's symbol minus the code
}

// build makes the codes of a spec. It returns false if they do not fit.
func (c *codes) build(spec *huffSpec) bool {
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
	return true
}

// find returns the symbol at the top of acc and the length of its code, or a
// length of 0 for bits that are no code.
func (c *codes) find(acc uint64) (symbol uint8, length uint) {
	top := uint32(acc >> 48)
	for i, limit := range c.limit {
		if top < limit {
			return c.spec.symbols[uint8(c.base[i]+int32(top>>(15-i)))], uint(i + 1)
		}
	}
	return 0, 0
}

// lookup fills a table of single symbols: length<<8 | symbol, 0 for longer codes.
func (c *codes) lookup(table []uint16, bits uint) {
	clear(table)
	code, index := 0, 0
	for i := range bits {
		for range c.spec.counts[i] {
			at := code << (bits - 1 - i)
			entry := uint16(i+1)<<8 | uint16(c.spec.symbols[index])
			for k := range 1 << (bits - 1 - i) {
				table[at+k] = entry
			}
			code++
			index++
		}
		code <<= 1
	}
}

// dcTable decodes the size of a DC difference.
type dcTable struct {
	codes
	look [1 << dcBits]uint16 // length<<8 | size
}

func (t *dcTable) use(spec *huffSpec) bool {
	if t.spec == *spec {
		return true
	}
	if !t.build(spec) {
		return false
	}
	t.lookup(t.look[:], dcBits)
	return true
}

// acTable skips AC coefficients: it is indexed by the next acBits bits, and an
// entry stands for as many whole symbols, with their value bits, as these bits
// tell of. The value bits of the last one may lie beyond. An entry's high byte
// is the number of bits to skip, at most acBits+15, its low byte is
//
//	1 to 63    coefficients that the symbols cover
//	acEOB + n  n coefficients (0 to 63), and then the block ends
//	acEscape   the first symbol is for skipSymbol
type acTable struct {
	codes
	skip [1 << acBits]uint16
}

const (
	acEOB    = 128
	acEscape = 255
)

func (t *acTable) use(spec *huffSpec) bool {
	if t.spec == *spec {
		return true
	}
	if !t.build(spec) {
		return false
	}
	var one [1 << acBits]uint16
	t.lookup(one[:], acBits)
	for i := range t.skip {
		t.skip[i] = skipEntry(&one, uint(i))
	}
	return true
}

// skipEntry makes the entry for one index.
func skipEntry(one *[1 << acBits]uint16, index uint) uint16 {
	used, covered := uint(0), uint(0)
	for used < acBits {
		e := one[index<<used&(1<<acBits-1)]
		length, run, size := uint(e>>8), uint(e>>4&15), uint(e&15)
		if length == 0 || used+length > acBits {
			break
		}
		if size == 0 && run != 15 {
			if run == 0 {
				return uint16((used+length)<<8 | acEOB + covered)
			}
			break // only progressive files have these
		}
		if covered+run+1 > 63 {
			break
		}
		covered += run + 1
		used += length + size
	}
	if covered == 0 {
		return acEscape
	}
	return uint16(used<<8 | covered)
}

// block reads one block of a sequential scan. It returns the DC difference and
// false for bits that are no code. It may read beyond the end; see ensure.
func (b *bitReader) block(dc *dcTable, ac *acTable) (diff int32, ok bool) {
	if diff, ok = b.diff(dc); !ok {
		return 0, false
	}
	acc, n, pos, buf := b.acc, b.n, b.pos, b.buf
	k := uint(1)
	for {
		// 56 bits are enough for two entries.
		acc |= binary.BigEndian.Uint64(buf[pos:pos+8]) >> (n & 63)
		pos += int(63-n) >> 3
		n |= 56
		e := uint(ac.skip[acc>>(64-acBits)])
		next := k + e&0xff
		if next < 64 {
			acc <<= e >> 8 & 63
			n -= e >> 8
			k = next
			e = uint(ac.skip[acc>>(64-acBits)])
			next = k + e&0xff
			if next < 64 {
				acc <<= e >> 8 & 63
				n -= e >> 8
				k = next
				continue
			}
		}
		// The block ends properly with an EOB or with its 64th coefficient.
		if next-acEOB < 64 || next == 64 {
			b.acc, b.n, b.pos = acc<<(e>>8&63), n-e>>8, pos
			return diff, true
		}
		b.acc, b.n, b.pos = acc, n, pos
		if k, ok = b.skipSymbol(&ac.codes, k); k >= 64 || !ok {
			return diff, ok
		}
		acc, n, pos = b.acc, b.n, b.pos
	}
}

// skipSymbol skips one AC symbol at coefficient k and returns the next k.
func (b *bitReader) skipSymbol(c *codes, k uint) (next uint, ok bool) {
	b.refill()
	symbol, length := c.find(b.acc)
	run, size := uint(symbol>>4), uint(symbol&15)
	if length == 0 || size == 0 && run > 0 && run < 15 {
		return 0, false
	}
	if symbol == 0 {
		size, run = 0, 63
	} else if k+run > 63 && size > 0 {
		b.overruns++
	}
	b.acc <<= length + size
	b.n -= length + size
	return k + run + 1, true
}

// diff reads one DC difference.
func (b *bitReader) diff(dc *dcTable) (diff int32, ok bool) {
	b.refill()
	e := dc.look[b.acc>>(64-dcBits)]
	length, size := uint(e>>8), uint(e&0xff)
	if length == 0 {
		var symbol uint8
		if symbol, length = dc.find(b.acc); length == 0 {
			return 0, false
		}
		size = uint(symbol)
	}
	if size > 16 {
		return 0, false
	}
	b.acc <<= length
	// The value's top bit tells its sign: without it, it counts up from
	// -(1<<size - 1).
	v := int32(b.acc >> 1 >> (63 - size))
	negative := int32(^b.acc>>63) * -1
	v += negative & (1 - int32(1)<<size)
	b.acc <<= size
	b.n -= length + size
	return v, true
}
