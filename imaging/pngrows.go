package imaging

import (
	"compress/zlib"
	"io"
)

// pngRows decodes a PNG that is not interlaced, a row at a time.
type pngRows struct {
	f         *pngFile
	z         io.Reader
	row, last []byte // with the filter's byte in front
	step      int    // bytes from a pixel to the next, at least 1
}

// openPNG reads to the first IDAT. release is to be called in any case.
func (in *Inspector) openPNG(src *source) (_ *pngRows, release func(), err error) {
	r, releaseFile := in.buffered(src.all())
	f := &pngFile{in: in, r: r, payload: newPayload(PNG)}
	f.idat, f.endIDAT = f.payload.stream("IDAT")
	data, releaseData := in.buffered(pngData{f, "IDAT"})
	release = func() { releaseData(); releaseFile() }

	if _, err := r.Discard(8); err != nil {
		return nil, release, ended(err)
	}
	for f.kind != "IDAT" {
		if err := f.next(); err != nil {
			return nil, release, ended(err)
		}
		if f.kind == "IDAT" {
			break
		}
		if err := f.chunk(); err != nil {
			return nil, release, ended(err)
		}
	}
	if f.stage == pngStart || f.head.interlaced || f.head.colour == pngPalette && len(f.palette) == 0 {
		return nil, release, undecodable("IDAT out of order")
	}
	z, err := zlib.NewReader(data)
	if err != nil {
		return nil, release, inflated(err)
	}
	return f.rows(z), release, nil
}

// rows reads those of the inflated data.
func (f *pngFile) rows(z io.Reader) *pngRows {
	bits := f.head.samples() * int64(f.head.depth)
	n := 1 + (f.head.width*bits+7)/8
	return &pngRows{f: f, z: z, row: make([]byte, n), last: make([]byte, n), step: max(1, int(bits/8))}
}

// next writes the next row, red, green and blue of each pixel, over white.
func (p *pngRows) next(rgb []uint8) error {
	p.row, p.last = p.last, p.row
	if _, err := io.ReadFull(p.z, p.row); err != nil {
		return inflated(err)
	}
	if p.row[0] > 4 {
		return undecodable("a row with the filter %d", p.row[0])
	}
	unfilter(p.row[0], p.row[1:], p.last[1:], p.step)
	switch h := p.f.head; {
	case h.colour == pngPalette:
		p.palette(rgb)
	case h.depth < 8:
		p.bits(rgb)
	default:
		p.samples(rgb)
	}
	return nil
}

// unfilter undoes the prediction of a row from its left and the row above.
func unfilter(filter byte, row, above []byte, step int) {
	switch filter {
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i, a := range above {
			row[i] += a
		}
	case 3:
		for i, a := range above {
			left := byte(0)
			if i >= step {
				left = row[i-step]
			}
			row[i] += byte((int(left) + int(a)) / 2)
		}
	case 4:
		for i, a := range above {
			left, corner := byte(0), byte(0)
			if i >= step {
				left, corner = row[i-step], above[i-step]
			}
			row[i] += paeth(int(left), int(a), int(corner))
		}
	}
}

// paeth is the one of left, above and corner that is nearest to what they
// predict.
func paeth(left, above, corner int) byte {
	toLeft, toAbove := above-corner, left-corner
	toCorner := toLeft + toAbove
	toLeft, toAbove, toCorner = max(toLeft, -toLeft), max(toAbove, -toAbove), max(toCorner, -toCorner)
	switch {
	case toLeft <= toAbove && toLeft <= toCorner:
		return byte(left)
	case toAbove <= toCorner:
		return byte(above)
	}
	return byte(corner)
}

// value is sample x of a row whose samples are smaller than a byte.
func (p *pngRows) value(x int) byte {
	depth := p.f.head.depth
	at := x * depth
	return p.row[1+at/8] >> (8 - depth - at%8) & (1<<depth - 1)
}

func (p *pngRows) palette(rgb []uint8) {
	for x := range len(rgb) / 3 {
		i := int(p.value(x))
		if 3*i >= len(p.f.palette) {
			clear(rgb[3*x : 3*x+3]) // black, as libpng has it
			continue
		}
		alpha := uint8(255)
		if i < len(p.f.trans) {
			alpha = p.f.trans[i]
		}
		for c, v := range p.f.palette[3*i : 3*i+3] {
			rgb[3*x+c] = blend(v, alpha)
		}
	}
}

// bits reads grey of less than 8 bits.
func (p *pngRows) bits(rgb []uint8) {
	most := uint8(1<<p.f.head.depth - 1)
	for x := range len(rgb) / 3 {
		v := p.value(x)
		grey := v * (255 / most)
		if len(p.f.trans) == 2 && v == p.f.trans[1] {
			grey = 255
		}
		rgb[3*x], rgb[3*x+1], rgb[3*x+2] = grey, grey, grey
	}
}

// samples reads samples of 8 or 16 bits, of which the upper 8 are shown.
func (p *pngRows) samples(rgb []uint8) {
	h := p.f.head
	n := int(h.samples())
	bytes := h.depth / 8
	for x, at := 0, 1; x < len(rgb); x, at = x+3, at+n*bytes {
		pixel := p.row[at : at+n*bytes]
		r, g, b, alpha := pixel[0], pixel[0], pixel[0], uint8(255)
		if n > 2 {
			g, b = pixel[bytes], pixel[2*bytes]
		}
		switch {
		case n == 2 || n == 4:
			alpha = pixel[(n-1)*bytes]
		case p.transparent(pixel, bytes):
			alpha = 0
		}
		rgb[x], rgb[x+1], rgb[x+2] = blend(r, alpha), blend(g, alpha), blend(b, alpha)
	}
}

// transparent says whether a pixel has the one colour that is.
func (p *pngRows) transparent(pixel []byte, bytes int) bool {
	trans := p.f.trans
	if len(trans) == 0 {
		return false
	}
	for i, v := range pixel { // tRNS has 16 bits for each sample
		if v != trans[i/bytes*2+2-bytes+i%bytes] {
			return false
		}
	}
	return true
}

// blend lays a sample over white.
func blend(v, alpha uint8) uint8 {
	if alpha == 255 {
		return v
	}
	return uint8((uint32(v)*uint32(alpha) + 255*(255-uint32(alpha)) + 127) / 255)
}
