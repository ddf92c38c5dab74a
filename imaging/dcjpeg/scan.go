package dcjpeg

// scan is what SOS declares, and the layout of its MCUs.
type scan struct {
	comps        []scanComp
	first, last  int // spectral selection; 0 and 63 if sequential
	high, low    int // successive approximation
	mcusX, mcusY int
	blocks       []scanBlock // of one MCU, in order
}

type scanComp struct {
	index  int // in the frame
	td, ta uint8
	start  *startTable // of a sequential scan
}

// scanBlock is one block of an MCU and where its DC coefficient goes.
type scanBlock struct {
	comp    int
	dc      *codes
	ac      *acTable
	start   *startTable // of a sequential scan
	coefs   []int16
	ends    []uint8 // see Image.Ends
	offset  int     // of the block in the MCU
	step    int     // from MCU to MCU
	rowStep int     // from one row of MCUs to the next
	at      int     // in the MCU that is being decoded
}

// scan reads SOS and the entropy-coded data behind it.
func (d *Decoder) scan(p []byte) error {
	h := &d.header
	if h.ncomp == 0 {
		return corrupt("scan before the frame header")
	}
	if h.isRGB() {
		if err := h.oddity("RGB components"); err != nil {
			return err
		}
	}

	s, err := h.scanHeader(p)
	if err != nil {
		return err
	}
	if h.scans == 0 {
		d.allocate()
	}
	h.scans++
	if err := d.latch(s); err != nil {
		return err
	}

	switch {
	case !h.progressive:
		return d.sequential(s)
	case s.first > 0:
		return d.skipScan(s)
	default:
		return d.progressiveDC(s)
	}
}

// scanHeader reads SOS.
func (h *header) scanHeader(p []byte) (*scan, error) {
	if len(p) < 6 || len(p) != 4+2*int(p[0]) || int(p[0]) > h.ncomp {
		return nil, corrupt("scan header of %d bytes", len(p))
	}

	s := &scan{last: 63}
	perMCU := 0
	for i := range int(p[0]) {
		c, err := h.scanComponent(s, p[1+2*i], p[2+2*i])
		if err != nil {
			return nil, err
		}
		s.comps = append(s.comps, c)
		perMCU += h.comp[c.index].h * h.comp[c.index].v
	}
	if perMCU > 10 && h.ncomp > 1 {
		return nil, corrupt("%d blocks an MCU", perMCU)
	}
	if !h.progressive {
		return s, nil
	}

	p = p[1+2*len(s.comps):]
	s.first, s.last = int(p[0]), int(p[1])
	s.high, s.low = int(p[2]>>4), int(p[2]&15)
	if s.first == 0 && s.last != 0 || s.first > s.last || s.last > 63 ||
		s.first > 0 && len(s.comps) != 1 ||
		s.high > 0 && s.high != s.low+1 {
		return nil, corrupt("progression %d–%d, %d–%d", s.first, s.last, s.high, s.low)
	}

	return s, nil
}

// scanComponent reads a component's entry in SOS.
func (h *header) scanComponent(s *scan, id, tables uint8) (scanComp, error) {
	c := scanComp{index: -1, td: tables >> 4, ta: tables & 15}
	for i, comp := range h.comps() {
		if comp.id == id {
			c.index = i
		}
	}
	if c.index < 0 {
		return c, corrupt("scan of an unknown component %d", id)
	}

	for _, other := range s.comps {
		if other.index == c.index {
			return c, corrupt("component %d twice in a scan", id)
		}
	}
	if c.td > 3 || c.ta > 3 || h.baseline && (c.td > 1 || c.ta > 1) {
		return c, corrupt("Huffman table %d or %d", c.td, c.ta)
	}

	return c, nil
}

func (d *Decoder) allocate() {
	for i, c := range d.header.comps() {
		n := c.stride * c.rows
		if cap(d.coefs[i]) < n {
			d.coefs[i], d.ends[i] = make([]int16, n), make([]uint8, n)
		}
		d.coefs[i], d.ends[i] = d.coefs[i][:n], d.ends[i][:n]
		clear(d.coefs[i])
	}
}

// latch copies the quantisation tables in force when a component's first scan
// begins, and computes the size of the scan.
func (d *Decoder) latch(s *scan) error {
	h := &d.header
	for _, sc := range s.comps {
		c := &h.comp[sc.index]
		if c.latched {
			continue
		}
		if !d.quant[c.tq].defined {
			return corrupt("no quantisation table %d", c.tq)
		}
		c.quant, c.latched = d.quant[c.tq].steps, true
	}

	s.mcusX, s.mcusY = h.mcusX, h.mcusY
	if len(s.comps) == 1 {
		c := &h.comp[s.comps[0].index]
		s.mcusX, s.mcusY = c.blocksX, c.blocksY
	}

	return nil
}

// layBlocks lists the blocks of an MCU: all of them in a scan of several
// components, a single one otherwise.
func (d *Decoder) layBlocks(s *scan) {
	for _, sc := range s.comps {
		c := &d.header.comp[sc.index]
		across, down := c.h, c.v
		if len(s.comps) == 1 {
			across, down = 1, 1
		}

		for i := range across * down {
			s.blocks = append(s.blocks, scanBlock{
				comp: sc.index, dc: &d.dc[sc.td], ac: &d.ac[sc.ta], start: sc.start,
				coefs: d.coefs[sc.index], ends: d.ends[sc.index],
				offset: i/across*c.stride + i%across, step: across, rowStep: down * c.stride,
			})
		}
	}
}

func (d *Decoder) useDC(s *scan) error {
	for _, sc := range s.comps {
		if err := d.dc[sc.td].use(&d.dcSpec[sc.td]); err != nil {
			return err
		}
	}
	return nil
}

// sequential reads a scan of a baseline or extended file.
func (d *Decoder) sequential(s *scan) error {
	if err := d.useDC(s); err != nil {
		return err
	}
	for _, sc := range s.comps {
		if err := d.ac[sc.ta].use(&d.acSpec[sc.ta]); err != nil {
			return err
		}
	}
	d.useStarts(s)

	var pred [maxComponents]int32
	err := d.eachMCU(s, &pred, func(most int) (int, bool) { return d.bits.blocks(s.blocks, &pred, most) })
	if err != nil {
		return err
	}
	for _, sc := range s.comps {
		d.header.comp[sc.index].complete = true
	}

	return nil
}

// useStarts builds the tables for the first symbols of blocks. Components with the
// same codes share one, so that more of them stay in the processor's cache.
func (d *Decoder) useStarts(s *scan) {
	for i, sc := range s.comps {
		slot := 0
		for s.comps[slot].td != sc.td || s.comps[slot].ta != sc.ta {
			slot++
		}
		d.starts[slot].use(&d.dc[sc.td], &d.ac[sc.ta].codes)
		s.comps[i].start = &d.starts[slot]
	}
}

// eachMCU walks through a scan. decode reads at most the given number of MCUs, and
// at least one, for which the bytes are ready; it returns how many, and false for
// bits that are no code. A restart clears pred.
func (d *Decoder) eachMCU(s *scan, pred *[maxComponents]int32, decode func(most int) (done int, ok bool)) error {
	d.layBlocks(s)
	b := &d.bits
	if err := b.begin(); err != nil {
		return err
	}

	left, restarts := d.header.restart, 0
	for y := range s.mcusY {
		for i := range s.blocks {
			s.blocks[i].at = s.blocks[i].offset + y*s.blocks[i].rowStep
		}

		for x := 0; x < s.mcusX; {
			most := s.mcusX - x
			if d.header.restart > 0 {
				if left == 0 {
					if err := b.nextInterval(restarts); err != nil {
						return err
					}
					left = d.header.restart
					restarts++
					*pred = [maxComponents]int32{}
				}
				most = min(most, left)
			}

			if b.pos > b.limit {
				if err := b.ensure(); err != nil {
					return err
				}
			}
			done, ok := decode(most)
			if !ok {
				if err := b.ensure(); err != nil {
					return err // decode read beyond the data
				}
				return corrupt("bad Huffman code in MCU %d, %d", x+done, y)
			}
			x += done
			left -= done
		}
	}

	return b.finish()
}

// nextInterval ends a segment and begins the one behind the restart marker.
func (b *bitReader) nextInterval(restarts int) error {
	if err := b.finish(); err != nil {
		return err
	}
	code, _, err := b.marker()
	if err != nil {
		return err
	}
	if want := byte(rst0 + restarts%8); code != want {
		return corrupt("marker %#x where restart marker %#x belongs", code, want)
	}

	return b.begin()
}
