package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// webpFrame is a picture inside a WebP: its chunks, headers included.
type webpFrame struct {
	x, y          int64 // on the canvas
	width, height int64
	alpha, coded  *io.SectionReader
	lossless      bool
	blend         bool // over the frames before it, instead of in their place
	after         disposal
}

const (
	vp8HeaderLen, vp8lHeaderLen = 10, 5
	vp8lMagic                   = 0x2f
	vp8lCodes                   = 5    // codes in a group: green, red, blue, alpha, distance
	vp8lMaxGroups               = 2600 // that x/image takes
	vp8lGroupBytes              = 54 << 10
)

// chunk notes a chunk of the picture and reads the header of the coded data.
func (p *webpFrame) chunk(kind string, data, whole *io.SectionReader) error {
	switch kind {
	case "ALPH":
		p.alpha = whole
		return nil
	case "VP8 ":
		var b [vp8HeaderLen]byte
		if _, err := data.ReadAt(b[:], 0); err != nil {
			return err
		}
		if b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
			return undecodable("VP8 data that do not begin with a key frame")
		}
		p.width = int64(binary.LittleEndian.Uint16(b[6:]) & 0x3fff)
		p.height = int64(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
	case "VP8L":
		var b [vp8lHeaderLen]byte
		if _, err := data.ReadAt(b[:], 0); err != nil {
			return err
		}
		bits := int64(binary.LittleEndian.Uint32(b[1:]))
		if b[0] != vp8lMagic || bits>>29 != 0 {
			return undecodable("VP8L data that are not understood")
		}
		p.width, p.height, p.lossless, p.alpha = 1+bits&0x3fff, 1+bits>>14&0x3fff, true, nil
	default:
		return nil
	}

	p.coded = whole
	return nil
}

// check reads the coded data before anything is allocated for pixels. It
// refuses lossy data that are too few for the picture's size: a macroblock of
// 16×16 pixels takes more than two bits of the first partition, whatever it
// shows. blank says that lossless data are sound and all pixels are the same.
func (p *webpFrame) check() (blank bool, err error) {
	var b [riffHeader + 32]byte
	n, err := p.coded.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}

	data := b[riffHeader:max(n, riffHeader)]
	data = data[:min(int64(len(data)), int64(binary.LittleEndian.Uint32(b[4:])))]
	if len(data) < vp8lHeaderLen {
		return false, undecodable("the file is truncated")
	}
	if p.lossless {
		return oneColour(data[vp8lHeaderLen:]), nil
	}

	partition := int64(binary.LittleEndian.Uint32(data) & 0xffffff >> 5)
	if blocks := ((p.width + 15) / 16) * ((p.height + 15) / 16); 4*partition < blocks-64 {
		return false, undecodable("there are fewer pixels than promised")
	}
	return false, nil
}

// oneColour says whether lossless data, from behind their header, are nothing
// but five codes of a single literal symbol. Their pixels take no bits, so that
// a few bytes make as many pixels as the header says.
func oneColour(data []byte) bool {
	at := 0
	read := func(n int) (v int) {
		for i := range n {
			if at/8 < len(data) {
				v |= int(data[at/8]>>(at%8)&1) << i
			}
			at++
		}
		return v
	}

	if read(3) != 0 { // a transform, a cache of colours, several groups of codes
		return false
	}

	for code := range vp8lCodes {
		if read(2) != 1 { // a code of several symbols
			return false
		}
		const distances = 40
		if symbol := read(1 + 7*read(1)); code == vp8lCodes-1 && symbol >= distances {
			return false
		}
	}

	return at <= 8*len(data)
}

// memory is what decoding takes, at most, in bytes.
func (p *webpFrame) memory() int64 {
	pixels := (p.width + 15) * (p.height + 15)
	switch {
	case p.lossless:
		return 8*pixels + p.coded.Size() + codeMemory(pixels, p.coded.Size())
	case p.alpha != nil:
		return 12*pixels + p.coded.Size() + codeMemory(pixels, p.alpha.Size())
	}
	return 2*pixels + p.coded.Size()
}

// codeMemory is what the prefix codes of so many bytes of lossless data take, at
// most. A group of codes serves a tile of at least 4×4 pixels.
func codeMemory(pixels, size int64) int64 {
	const perByte, tile = 2 << 10, 16
	return min(perByte*size, vp8lGroupBytes*min(pixels/tile+1, vp8lMaxGroups))
}

// decode decodes the picture, put into a file of its own.
func (p *webpFrame) decode() (raster, error) {
	head := []byte("RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00")
	chunks := []io.Reader{nil}
	if p.alpha != nil {
		head[20] = webpAlphaFlag
		chunks = append(chunks, io.NewSectionReader(p.alpha, 0, p.alpha.Size()))
	}

	for _, side := range []int64{p.width - 1, p.height - 1} {
		head = append(head, byte(side), byte(side>>8), byte(side>>16))
	}

	chunks[0] = bytes.NewReader(head)

	chunks = append(chunks, io.NewSectionReader(p.coded, 0, p.coded.Size()))
	m, err := byLibrary(func() (image.Image, error) { return webp.Decode(io.MultiReader(chunks...)) })
	m.limited = !p.lossless
	return m, err
}

// webpPicture decodes a still, or composes frame n of an animation.
func (in *Inspector) webpPicture(src *source, n int) (raster, error) {
	var c *canvas
	f := &webpFile{in: in, payload: newPayload(WebP)}
	f.each = func(frame *webpFrame) error {
		if c == nil {
			c = newCanvas(image.Pt(int(f.width), int(f.height)))
		}
		if err := frame.paint(c); err != nil {
			return err
		}
		if f.frames > n {
			return errEnough
		}
		return nil
	}

	err := f.read(src)
	switch {
	case errors.Is(err, errEnough):
		return whole(c.RGBA), nil
	case err != nil:
		return raster{}, err
	case f.animated || n > 0:
		return raster{}, noFrame(n)
	}
	return f.first.decode()
}

// paint draws a frame on the canvas.
func (p *webpFrame) paint(c *canvas) error {
	m, err := p.decode()
	if err != nil {
		return err
	}

	fullRange(m.Image)
	at := image.Rect(0, 0, int(p.width), int(p.height)).Add(image.Pt(int(p.x), int(p.y)))
	c.paint(m.Image, at, p.after, p.blend)
	return nil
}

// fullRange makes the samples what image.YCbCr holds them for: lossy WebP's luma
// goes from 16 to 235 and its chroma from 16 to 240.
func fullRange(of image.Image) {
	var m *image.YCbCr
	switch of := of.(type) {
	case *image.YCbCr:
		m = of
	case *image.NYCbCrA:
		m = &of.YCbCr
	default:
		return
	}

	var luma, chroma [256]byte
	for v := range 256 {
		luma[v] = byte(min(max(((v-16)*510+219)/438, 0), 255))
		chroma[v] = byte(min(max(((v-16)*510+224)/448, 0), 255))
	}

	for i, v := range m.Y {
		m.Y[i] = luma[v]
	}

	for i, v := range m.Cb {
		m.Cb[i], m.Cr[i] = chroma[v], chroma[m.Cr[i]]
	}
}
