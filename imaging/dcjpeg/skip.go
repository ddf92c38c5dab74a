package dcjpeg

import "encoding/binary"

const (
	acBits    = 12 // bits that index a table of AC coefficients
	startBits = 11 // bits that index a table of the first symbols of a block
)

// An entry of a table covers all the whole symbols, with their value bits, that its
// index holds. The value bits of the last one may lie beyond the index. The low
// byte is the number of bits to skip, 31 at most; the next byte is
//
//	1 to 63    coefficients that the symbols cover
//	acEOB + n  n coefficients (0 to 63), and then the block ends
//	acEscape   skipSymbol must read the first symbol
const (
	acEOB    = 128
	acEscape = 255
)

// acTable skips AC coefficients.
type acTable struct {
	codes
	skip [1 << acBits]uint16
}

func (t *acTable) use(spec *huffSpec) error {
	if spec.defined && t.spec == *spec {
		return nil
	}
	if err := t.codes.use(spec); err != nil {
		return err
	}

	for i := range t.skip {
		t.skip[i] = uint16(entry(&t.codes, uint64(i)<<(64-acBits), acBits, 0, 0))
	}

	return nil
}

// startTable begins a block: an entry covers the DC coefficient and as many AC
// coefficients as fit. From bit 16 on it also holds the length of the DC code, and
// from bit 24 on the size of its value, both in bits.
type startTable struct {
	dcSpec, acSpec huffSpec
	start          [1 << startBits]uint32
}

func (t *startTable) use(dc, ac *codes) {
	if t.dcSpec == dc.spec && t.acSpec == ac.spec {
		return
	}

	t.dcSpec, t.acSpec = dc.spec, ac.spec
	for i := range t.start {
		acc := uint64(i) << (64 - startBits)
		symbol, length := dc.find(acc)
		if length == 0 || length > startBits || symbol > 16 {
			t.start[i] = acEscape << 8
			continue
		}
		size := uint(symbol)
		t.start[i] = entry(ac, acc, startBits, length+size, 1) | uint32(size<<24|length<<16)
	}
}

// entry makes an entry of the top bits of acc; used bits and covered coefficients
// are already in it.
func entry(ac *codes, acc uint64, bits, used, covered uint) uint32 {
	for used < bits {
		symbol, length := ac.find(acc << used)
		run, size := uint(symbol>>4), uint(symbol&15)
		if length == 0 || used+length > bits {
			break
		}
		if size == 0 && run != 15 {
			if run == 0 {
				return uint32((acEOB+covered)<<8 | used + length)
			}
			break // only progressive files may have these
		}
		if covered+run+1 > 63 {
			break
		}
		covered += run + 1
		used += length + size
	}
	if covered == 0 {
		return acEscape << 8
	}

	return uint32(covered<<8 | used)
}

// blocks reads MCUs of a sequential scan: at least one, at most so many, and no more
// once data runs low. It returns how many, and false for bits that are no code. It
// may read beyond the end; see ensure.
func (b *bitReader) blocks(blocks []scanBlock, pred *[maxComponents]int32, most int) (done int, ok bool) {
	acc, n, pos, data := b.acc, b.n, b.pos, b.data
	for done < most && (pos <= b.limit || done == 0) {
		for i := range blocks {
			blk := &blocks[i]
			acc, n, pos = refilled(acc, n, pos, data) // 56 bits are enough for two entries
			e := uint(blk.start.start[acc>>(64-startBits)])
			diff := value(acc<<(e>>16&31), e>>24)
			next, last := e>>8&0xff, uint(64)

			for k := uint(0); ; { // coefficients in front of e
				for next < 64 {
					acc, n, k = acc<<(e&63), n-e&63, next
					e = uint(blk.ac.skip[acc>>(64-acBits)])
					if next = k + e>>8; next >= 64 {
						break
					}
					acc, n, k = acc<<(e&63), n-e&63, next
					acc, n, pos = refilled(acc, n, pos, data)
					e = uint(blk.ac.skip[acc>>(64-acBits)])
					next = k + e>>8
				}
				// The block ends properly with an EOB or with its 64th coefficient.
				if next-acEOB < 64 || next == 64 {
					acc, n, last = acc<<(e&63), n-e&63, next&127
					break
				}

				was := k
				b.acc, b.n, b.pos = acc, n, pos
				if k == 0 {
					diff, ok = b.diff(blk.dc)
					k = 1
				} else {
					k, ok = b.skipSymbol(&blk.ac.codes, k)
				}
				if !ok {
					return done, false
				}
				if acc, n, pos = b.acc, b.n, b.pos; k >= 64 {
					if k == was+64 { // an EOB
						last = was
					}
					break
				}
				acc, n, pos = refilled(acc, n, pos, data)
				e = uint(blk.ac.skip[acc>>(64-acBits)])
				next = k + e>>8
			}

			p := pred[blk.comp&3] + diff
			pred[blk.comp&3] = p
			blk.coefs[blk.at] = int16(p)
			blk.ends[blk.at] = uint8(last)
			blk.at += blk.step
		}
		done++
	}
	b.acc, b.n, b.pos = acc, n, pos

	return done, true
}

// refilled is refill on the caller's registers; the compiler inlines it.
func refilled(acc uint64, n uint, pos int, data []byte) (uint64, uint, int) {
	return acc | binary.BigEndian.Uint64(data[pos:pos+8])>>(n&63), n | 56, pos + int(63-n)>>3
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
		size, run = 0, 63 // EOB
	}
	b.acc <<= length + size
	b.n -= length + size

	return k + run + 1, true
}
