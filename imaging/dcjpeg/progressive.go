package dcjpeg

// progressiveDC reads a scan of DC coefficients: the first has all but their low bits,
// each of the others refines them by one bit.
func (d *Decoder) progressiveDC(s *scan) error {
	first := s.high == 0
	if first {
		if err := d.useDC(s); err != nil {
			return err
		}
	}

	var pred [maxComponents]int32
	return d.eachMCU(s, &pred, func(int) (int, bool) {
		for i := range s.blocks {
			blk := &s.blocks[i]
			if first {
				diff, ok := d.bits.diff(blk.dc)
				if !ok {
					return 0, false
				}
				pred[blk.comp] += diff
				blk.coefs[blk.at] = int16(pred[blk.comp] << s.low)
			} else {
				blk.coefs[blk.at] |= int16(d.bits.bit() << s.low)
			}
			blk.at += blk.step
		}

		return 1, true
	})
}

// fineFrom is the first coefficient of Image.FineBytes. Encoders send the first five
// in a scan of their own.
const fineFrom = 6

// skipScan passes over a scan of AC coefficients. The file must define its tables
// and hold its restart markers, with data in each interval.
func (d *Decoder) skipScan(s *scan) error {
	var c codes
	if err := c.use(&d.acSpec[s.comps[0].ta]); err != nil {
		return err
	}
	restarts := 0
	if d.header.restart > 0 {
		restarts = ceilDiv(s.mcusX*s.mcusY, d.header.restart) - 1
	}

	fine := s.comps[0].index == 0 && s.first >= fineFrom && s.high == 0
	b := &d.bits
	for i := 0; ; i++ {
		code, skipped, err := b.marker()
		if err != nil {
			return err
		}
		if fine {
			d.header.fineBytes += skipped
		}
		if skipped == 0 && i <= restarts {
			return corrupt("a scan without data")
		}
		if i >= restarts && (code < rst0 || code > rst7) {
			b.at -= 2 // segments reads this marker
			return nil
		}
		if i < restarts && code != byte(rst0+i%8) {
			return corrupt("marker %#x where restart marker %d belongs", code, i%8)
		}
	}
}
