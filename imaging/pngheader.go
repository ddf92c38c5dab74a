package imaging

import (
	"encoding/binary"
	"image"
)

// pngHeader is what IHDR says.
type pngHeader struct {
	width, height int64
	depth         int
	colour        byte
	interlaced    bool
}

// Colour types of PNG.
const pngGrey, pngRGB, pngPalette, pngGreyAlpha, pngRGBA = 0, 2, 3, 4, 6

func (f *pngFile) ihdr() error {
	if f.stage != pngStart {
		return undecodable("IHDR out of order")
	}

	b, err := f.body(13)
	if err != nil {
		return err
	}
	if len(b) < 13 || b[10] != 0 || b[11] != 0 || b[12] > 1 {
		return undecodable("an IHDR that is not understood")
	}

	f.stage = pngSeenIHDR
	f.head = pngHeader{
		width:  int64(binary.BigEndian.Uint32(b)),
		height: int64(binary.BigEndian.Uint32(b[4:])),
		depth:  int(b[8]), colour: b[9], interlaced: b[12] == 1,
	}
	if f.head.samples() == 0 {
		return undecodable("%d bits of colour type %d", b[8], b[9])
	}

	f.payload.part("IHDR", b)
	return f.in.fits(f.head.width, f.head.height, 1)
}

// interlaced says what the header of a PNG does; true where it cannot be read.
func interlaced(src *source) bool {
	const at = 28 // the last byte of IHDR, which is the first chunk
	b, err := src.bytes(at, 1)
	return err != nil || b[0] != 0
}

func (h pngHeader) size() image.Point { return image.Pt(int(h.width), int(h.height)) }

// samples is how many samples make a pixel, 0 for what does not exist.
func (h pngHeader) samples() int64 {
	small := h.depth == 1 || h.depth == 2 || h.depth == 4
	full := h.depth == 8 || h.depth == 16
	switch {
	case h.colour == pngGrey && (small || full), h.colour == pngPalette && (small || h.depth == 8):
		return 1
	case h.colour == pngGreyAlpha && full:
		return 2
	case h.colour == pngRGB && full:
		return 3
	case h.colour == pngRGBA && full:
		return 4
	}
	return 0
}

func (f *pngFile) plte() error {
	if f.stage != pngSeenIHDR {
		return undecodable("PLTE out of order")
	}

	b, err := f.body(3 * 256)
	if err != nil {
		return err
	}

	n := len(b) / 3
	switch {
	case len(b)%3 != 0 || n == 0 || n > 1<<f.head.depth:
		return undecodable("a palette of %d bytes", len(b))
	case f.head.colour == pngGrey || f.head.colour == pngGreyAlpha:
		return undecodable("a grey picture with a palette")
	}

	f.stage, f.palette = pngSeenPLTE, b
	f.payload.part("PLTE", b)
	return nil
}

func (f *pngFile) trns() error {
	want := int64(-1)
	switch {
	case f.head.colour == pngPalette && f.stage == pngSeenPLTE && f.left <= 256:
		want = f.left
	case f.head.colour == pngGrey && f.stage == pngSeenIHDR:
		want = 2
	case f.head.colour == pngRGB && (f.stage == pngSeenIHDR || f.stage == pngSeenPLTE):
		want = 6
	}
	if f.left != want {
		return undecodable("tRNS out of order")
	}

	b, err := f.body(256)
	if err != nil {
		return err
	}

	f.stage, f.trans = pngSeenTRNS, b
	f.payload.part("tRNS", b)
	return nil
}

// pngPass is a pass over the picture: the only one, or one of the seven of an
// interlaced picture.
type pngPass struct {
	rows, rowBytes int64 // rowBytes without the filter's byte
}

// passes lists the passes in their order, without those that hold no pixels.
func (h pngHeader) passes() []pngPass {
	bits := h.samples() * int64(h.depth)
	if !h.interlaced {
		return []pngPass{{h.height, (h.width*bits + 7) / 8}}
	}

	var passes []pngPass
	for _, p := range [7]struct{ x, y, stepX, stepY int64 }{
		{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
	} {
		w, h := (h.width-p.x+p.stepX-1)/p.stepX, (h.height-p.y+p.stepY-1)/p.stepY
		if w > 0 && h > 0 {
			passes = append(passes, pngPass{h, (w*bits + 7) / 8})
		}
	}

	return passes
}
