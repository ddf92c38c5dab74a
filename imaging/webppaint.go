package imaging

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"io"

	"golang.org/x/image/webp"
)

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
	m, err := f.first.decode()
	if err != nil {
		return raster{}, err
	}
	r := whole(m)
	r.limited = !f.first.lossless
	return r, nil
}

// paint draws a frame on the canvas.
func (p *webpFrame) paint(c *canvas) error {
	m, err := p.decode()
	if err != nil {
		return err
	}
	fullRange(m)
	at := image.Rect(0, 0, int(p.width), int(p.height)).Add(image.Pt(int(p.x), int(p.y)))
	c.next(at, p.after)
	op := draw.Src
	if p.blend {
		op = draw.Over
	}
	draw.Draw(c.RGBA, at, m, m.Bounds().Min, op)
	return nil
}

// memory is what decoding takes, at most.
func (p *webpFrame) memory() int64 {
	pixels := (p.width + 15) * (p.height + 15)
	switch {
	case p.lossless:
		return 8*pixels + p.coded.Size()
	case p.alpha != nil:
		return 12*pixels + p.coded.Size()
	}
	return 2*pixels + p.coded.Size()
}

// decode decodes the picture, put into a file of its own.
func (p *webpFrame) decode() (image.Image, error) {
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
	m, err := webp.Decode(io.MultiReader(append(chunks, io.NewSectionReader(p.coded, 0, p.coded.Size()))...))
	if err != nil {
		return nil, undecodable("%v", err)
	}
	return m, nil
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
