package imaging

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"time"
)

// apngFrame is what an fcTL chunk says of the frame behind it.
type apngFrame struct {
	width, height int64
	x, y          int64
	delay         time.Duration
	after         disposal
	blend         bool // over the frames before it, instead of in their place
}

const (
	fcTLen, apngSequenceLen = 26, 4
	apngGoes, apngBack      = 1, 2
	apngOver                = 1
	apngHundredths          = 100 // the divisor of a delay where it is 0
)

func readFCTL(b []byte) apngFrame {
	word := func(i int) int64 { return int64(binary.BigEndian.Uint32(b[i:])) }
	f := apngFrame{width: word(4), height: word(8), x: word(12), y: word(16), blend: b[25] == apngOver}
	switch b[24] {
	case apngGoes:
		f.after = frameGoes
	case apngBack:
		f.after = frameBack
	}

	parts, of := binary.BigEndian.Uint16(b[20:]), binary.BigEndian.Uint16(b[22:])
	if of == 0 {
		of = apngHundredths
	}

	f.delay = time.Duration(parts) * time.Second / time.Duration(of)
	return f
}

// pngPicture decodes a still, or composes frame n of an animation.
func (in *Inspector) pngPicture(src *source, n int) (raster, error) {
	if n == 0 {
		return byLibrary(func() (image.Image, error) { return png.Decode(src.all()) })
	}

	r, release := in.buffered(src.all())
	defer release()
	f := &pngFile{in: in, r: r, payload: newPayload(PNG)}
	c, err := f.compose(n)
	if err != nil {
		return raster{}, ended(err)
	}
	return whole(c.RGBA), nil
}

// compose reads chunks until frame n is on the canvas.
func (f *pngFile) compose(n int) (*canvas, error) {
	if err := f.begin(); err != nil {
		return nil, err
	}

	var c *canvas
	painted := int64(0)
	for f.stage != pngSeenIEND {
		if err := f.next(); err != nil {
			return nil, err
		}
		// Data that no fcTL announced are not part of the animation.
		if data := f.kind == "IDAT" || f.kind == "fdAT"; !data || f.frames == painted {
			if err := f.chunk(); err != nil {
				return nil, err
			}
			continue
		}

		if c == nil {
			c = newCanvas(image.Pt(int(f.head.width), int(f.head.height)))
		}
		if err := f.paint(c); err != nil {
			return nil, err
		}
		if painted = f.frames; painted > int64(n) {
			return c, nil
		}
	}

	return nil, noFrame(n)
}

// paint draws the frame whose data begin with the current chunk.
func (f *pngFile) paint(c *canvas) error {
	a := f.control
	if a.width <= 0 || a.height <= 0 || a.x+a.width > f.head.width || a.y+a.height > f.head.height {
		return undecodable("a frame reaches beyond the picture")
	}
	if f.kind == "IDAT" {
		f.stage = pngSeenIDAT
	}

	data := pngData{f, f.kind}
	if err := data.begin(); err != nil {
		return err
	}

	coded, err := io.ReadAll(data)
	if err != nil {
		return err
	}

	m, err := byLibrary(func() (image.Image, error) { return png.Decode(f.still(a, coded)) })
	if err != nil {
		return err
	}

	c.paint(m.Image, image.Rect(int(a.x), int(a.y), int(a.x+a.width), int(a.y+a.height)), a.after, a.blend)
	return nil
}

// still makes a file of a frame.
func (f *pngFile) still(a apngFrame, coded []byte) io.Reader {
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(a.width))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(a.height))
	interlace := byte(0)
	if f.head.interlaced {
		interlace = 1
	}

	file := appendChunk([]byte(pngSignature), "IHDR", append(ihdr, byte(f.head.depth), f.head.colour, 0, 0, interlace))
	if len(f.palette) > 0 {
		file = appendChunk(file, "PLTE", f.palette)
	}
	if len(f.trans) > 0 {
		file = appendChunk(file, "tRNS", f.trans)
	}
	return bytes.NewReader(appendChunk(appendChunk(file, "IDAT", coded), "IEND", nil))
}

func appendChunk(b []byte, kind string, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	from := len(b)
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
}
