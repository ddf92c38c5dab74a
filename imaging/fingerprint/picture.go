package fingerprint

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/bits"
)

const (
	// Side is the longest side, in samples, of the luma behind a Fingerprint: a little
	// more than an eighth of a phone's photo.
	Side = 640
	// FullSide is the longest side at which documents are compared.
	FullSide = 6000
	// chromaSide is the longest side of chroma.
	chromaSide = 64
)

// Picture is a picture in memory, upright and over white, for Of and Verify.
type Picture struct {
	Width, Height int   // of the file, in pixels as displayed
	Luma          Plane // upright, no longer than Frame.Side
	Cb, Cr        Plane // upright, at most 64 samples long
	// Whole means that another decoding would not show more than Luma.
	Whole bool
	// Quant is the quantisation of luma in a JPEG; nil if unknown.
	Quant *Quantisation
}

// Frame describes how a decoded image shows the picture of its file.
type Frame struct {
	Width, Height int // of the file, in pixels as coded
	// Scale is how many pixels of the file a sample spans along each side: 8 for
	// dcjpeg, else 1. The last column and row of samples may reach beyond the picture.
	Scale       int
	Orientation int // of EXIF; others than 2 to 8 change nothing
	// Limited means that luma goes from 16 to 235 and chroma from 16 to 240, as
	// x/image/webp decodes it.
	Limited bool
	Side    int           // longest side of the Picture's luma: Side or FullSide
	Quant   *Quantisation // of the file, if it is a JPEG
}

// New makes a Picture of an image. It allocates the planes that it returns and a few
// rows.
func New(m image.Image, f Frame) *Picture {
	b := m.Bounds()
	scale := float64(max(f.Scale, 1))
	ew := min(float64(b.Dx()), float64(f.Width)/scale)
	eh := min(float64(b.Dy()), float64(f.Height)/scale)
	w, h := fit(ew, eh, f.Side)
	cw, ch := fit(ew, eh, chromaSide)

	p := &Picture{Width: f.Width, Height: f.Height, Quant: f.Quant}
	p.Whole = scale == 1 && (f.Side >= FullSide || max(ew, eh) <= float64(f.Side))
	if a, ok := m.(*image.NYCbCrA); ok {
		m = opaque(a, f.Limited)
	}
	switch m := m.(type) {
	case *image.YCbCr:
		p.Luma = lumaOf(m, f.Limited, ew, eh, w, h)
		cols, rows, rx, ry := chromaSize(m)
		cew, ceh := min(float64(cols), ew/float64(rx)), min(float64(rows), eh/float64(ry))
		cw, ch = min(cw, max(1, int(cew))), min(ch, max(1, int(ceh)))
		p.Cb, p.Cr = chromaOf(m, f.Limited, cew, ceh, cw, ch)
	case *image.Gray:
		p.Luma = reduceRows(m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy(), ew, eh, w, h)
		p.Cb, p.Cr = neutral(cw, ch), neutral(cw, ch)
	default:
		p.fromRGB(m, ew, eh, w, h, cw, ch)
	}

	if f.Limited {
		stretch(p.Luma, 16, 0, 219)
		stretch(p.Cb, 128, 128, 224)
		stretch(p.Cr, 128, 128, 224)
	}
	p.turn(f.Orientation)

	return p
}

// turn undoes an EXIF orientation.
func (p *Picture) turn(orientation int) {
	p.Luma, p.Cb, p.Cr = p.Luma.upright(orientation), p.Cb.upright(orientation), p.Cr.upright(orientation)
	if sideways(orientation) {
		p.Width, p.Height = p.Height, p.Width
	}
}

// fit is the size in samples of a picture of w×h that is scaled down to have no side
// longer than side.
func fit(w, h float64, side int) (int, int) {
	scale := min(1, float64(side)/max(w, h))
	return max(1, int(w*scale+1e-6)), max(1, int(h*scale+1e-6))
}

// lumaOf reads luma after colours are clipped to those of screens, as programs that
// copy a picture do.
func lumaOf(m *image.YCbCr, limited bool, ew, eh float64, outW, outH int) Plane {
	b := m.Rect
	r := newReducer(b.Dx(), b.Dy(), ew, eh, outW, outH)
	cols, _, rx, _ := chromaSize(m)
	shift, odd := bits.TrailingZeros(uint(rx)), b.Min.X%rx
	line, vivid, off := make([]uint8, b.Dx()), make([]uint16, cols), -1

	for y := b.Min.Y; y < b.Max.Y; y++ {
		copy(line, m.Y[m.YOffset(b.Min.X, y):])
		if limited {
			r.add(line)
			continue
		}
		if o := m.COffset(b.Min.X, y); o != off {
			off = o
			vividness(vivid, m.Cb[off:], m.Cr[off:])
		}
		for x, l := range line {
			c := (x + odd) >> shift
			if vivid[c] >= room(l) {
				line[x] = lumaOfRGB(shown(l, m.Cb[off+c], m.Cr[off+c]))
			}
		}
		r.add(line)
	}

	return r.out
}

// cutOff is color.RGBToYCbCr(color.YCbCrToRGB(l, cb, cr)), in less time.
func cutOff(l, cb, cr uint8) (y, u, v uint8) {
	r, g, b := shown(l, cb, cr)
	return lumaOfRGB(r, g, b),
		uint8(min((-11056*r-21712*g+32768*b+257<<15)>>16, 255)),
		uint8(min((32768*r-27440*g-5328*b+257<<15)>>16, 255))
}

// lumaOfRGB is the luma of color.RGBToYCbCr.
func lumaOfRGB(r, g, b int32) uint8 { return uint8((19595*r + 38470*g + 7471*b + 1<<15) >> 16) }

// shown is color.YCbCrToRGB: the colour that a screen shows.
func shown(l, cb, cr uint8) (r, g, b int32) {
	y, u, v := int32(l)*0x10101, int32(cb)-128, int32(cr)-128
	r = min(max((y+91881*v)>>16, 0), 255)
	g = min(max((y-22554*u-46802*v)>>16, 0), 255)
	b = min(max((y+116130*u)>>16, 0), 255)
	return r, g, b
}

// vividness is the distance of chroma from grey. A colour with less of it than the
// room of its luma is certainly one that screens have.
func vividness(out []uint16, cb, cr []uint8) {
	cb, cr = cb[:len(out)], cr[:len(out)]
	for i := range out {
		u, v := int(cb[i])-128, int(cr[i])-128
		out[i] = uint16(9 * max(u, -u, v, -v))
	}
}

func room(luma uint8) uint16 { return 5 * uint16(min(luma, 255-luma)) }

// chromaOf is lumaOf for chroma.
func chromaOf(m *image.YCbCr, limited bool, ew, eh float64, outW, outH int) (cb, cr Plane) {
	b := m.Rect
	off := m.COffset(b.Min.X, b.Min.Y)
	cols, rows, rx, ry := chromaSize(m)
	us, vs := newReducer(cols, rows, ew, eh, outW, outH), newReducer(cols, rows, ew, eh, outW, outH)
	u, v, vivid := make([]uint8, cols), make([]uint8, cols), make([]uint16, cols)

	for y := range rows {
		copy(u, m.Cb[off+y*m.CStride:])
		copy(v, m.Cr[off+y*m.CStride:])
		vividness(vivid, u, v)
		luma := m.Y[m.YOffset(b.Min.X, min(b.Max.Y-1, b.Min.Y+y*ry)):][:b.Dx()]
		for x, far := range vivid {
			l := luma[min(len(luma)-1, x*rx)]
			if !limited && far >= room(l) {
				_, u[x], v[x] = cutOff(l, u[x], v[x])
			}
		}
		us.add(u)
		vs.add(v)
	}

	return us.out, vs.out
}

func reduceRows(pix []uint8, stride, w, h int, ew, eh float64, outW, outH int) Plane {
	r := newReducer(w, h, ew, eh, outW, outH)
	for y := range h {
		r.add(pix[y*stride:][:w])
	}
	return r.out
}

// chromaSize is the size of the chroma planes, and how many samples of luma one of
// theirs spans across and down.
func chromaSize(m *image.YCbCr) (w, h, rx, ry int) {
	rx, ry = 1, 1
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		rx = 2
	case image.YCbCrSubsampleRatio420:
		rx, ry = 2, 2
	case image.YCbCrSubsampleRatio440:
		ry = 2
	case image.YCbCrSubsampleRatio411:
		rx = 4
	case image.YCbCrSubsampleRatio410:
		rx, ry = 4, 2
	}
	b := m.Rect

	return ceilDiv(b.Max.X, rx) - b.Min.X/rx, ceilDiv(b.Max.Y, ry) - b.Min.Y/ry, rx, ry
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func opaque(m *image.NYCbCrA, limited bool) *image.YCbCr {
	b := m.Rect
	out := image.NewYCbCr(b, m.SubsampleRatio)
	white := uint32(255)
	if limited {
		white = 235
	}

	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			alpha := m.A[m.AOffset(x, y)]
			from, to, at := m.COffset(x, y), out.COffset(x, y), m.YOffset(x, y)
			out.Y[out.YOffset(x, y)] = over(m.Y[at], white, alpha)
			out.Cb[to], out.Cr[to] = over(m.Cb[from], 128, alpha), over(m.Cr[from], 128, alpha)
		}
	}

	return out
}

func over(v uint8, ground uint32, alpha uint8) uint8 {
	return uint8((uint32(v)*uint32(alpha) + ground*(255-uint32(alpha)) + 127) / 255)
}

func neutral(w, h int) Plane { return Plane{w, h, bytes.Repeat([]uint8{128}, w*h)} }

// stretch maps a limited range to the full one.
func stretch(p Plane, from, to, span int) {
	var table [256]uint8
	for i := range table {
		table[i] = uint8(min(255, max(0, math.Round(float64(to)+float64(i-from)*255/float64(span)))))
	}
	for i, v := range p.Pix {
		p.Pix[i] = table[v]
	}
}

// fromRGB reads images that are not in YCbCr, over white.
func (p *Picture) fromRGB(m image.Image, ew, eh float64, w, h, cw, ch int) {
	b := m.Bounds()
	luma := newReducer(b.Dx(), b.Dy(), ew, eh, w, h)
	cb := newReducer(b.Dx(), b.Dy(), ew, eh, cw, ch)
	cr := newReducer(b.Dx(), b.Dy(), ew, eh, cw, ch)

	ys, us, vs := make([]uint8, b.Dx()), make([]uint8, b.Dx()), make([]uint8, b.Dx())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		ycc(m, y, ys, us, vs)
		luma.add(ys)
		cb.add(us)
		cr.add(vs)
	}
	p.Luma, p.Cb, p.Cr = luma.out, cb.out, cr.out
}

func ycc(m image.Image, y int, ys, us, vs []uint8) {
	b := m.Bounds()
	for x := range ys {
		var r, g, bl uint8
		switch m := m.(type) {
		case *image.RGBA:
			p := m.Pix[m.PixOffset(b.Min.X+x, y):][:4]
			white := 255 - p[3]
			r, g, bl = p[0]+white, p[1]+white, p[2]+white
		case *image.NRGBA:
			p := m.Pix[m.PixOffset(b.Min.X+x, y):][:4]
			r, g, bl = over(p[0], 255, p[3]), over(p[1], 255, p[3]), over(p[2], 255, p[3])
		default:
			r16, g16, b16, a := m.At(b.Min.X+x, y).RGBA()
			white := 0xffff - a
			r, g, bl = uint8((r16+white)>>8), uint8((g16+white)>>8), uint8((b16+white)>>8)
		}
		ys[x], us[x], vs[x] = color.RGBToYCbCr(r, g, bl)
	}
}

// EighthForFingerprint reports that an eighth of a picture of so many pixels suffices
// for its Fingerprint: 64×32 samples hold the frequencies of the hash.
func EighthForFingerprint(width, height int) bool {
	return min(width, height) >= 256 && max(width, height) >= 8*minSide
}

// EighthForComparison reports that an eighth of a picture of so many pixels suffices
// for a comparison with a Picture of at most Side.
func EighthForComparison(width, height int) bool {
	return min(width, height) >= 8*thumbSide && max(width, height) >= 12*thumbSide
}
