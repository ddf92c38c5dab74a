package imaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/draw"
	"io"

	"golang.org/x/image/webp"
)

// webp reads the chunks of a WebP to the end of the RIFF, checks each frame's
// header, and the data of the first frame.
func (in *Inspector) webp(ctx context.Context, src *source) (picture, error) {
	f, err := in.openWebP(src)
	if err != nil {
		return picture{}, err
	}
	pic := picture{width: int(f.width), height: int(f.height), frames: max(1, f.frames), payload: f.payload}
	return pic, in.checkFrame(ctx, &f.first)
}

// webpFile is what the chunks of a WebP say.
type webpFile struct {
	in            *Inspector
	width, height int64 // of the canvas
	extended      bool
	animated      bool
	frames        int // of an animation
	first         webpFrame
	payload       *payload
}

// webpFrame is a picture inside a WebP: its chunks, headers included.
type webpFrame struct {
	x, y          int64 // on the canvas
	width, height int64
	alpha, coded  *io.SectionReader
	lossless      bool
}

const (
	riffHeader, webpHeader      = 8, 12
	webpAnimationFlag           = 0x02
	webpAlphaFlag               = 0x10
	webpExtendedLen             = 10
	webpFrameHeader             = 16
	vp8HeaderLen, vp8lHeaderLen = 10, 5
	vp8lMagic                   = 0x2f
	webpMaxChunks               = maxFrames + 1<<10
)

// openWebP reads all chunks. The data are hashed in the same pass.
func (in *Inspector) openWebP(src *source) (*webpFile, error) {
	head, err := src.bytes(0, webpHeader)
	if err != nil {
		return nil, err
	}
	end := riffHeader + int64(binary.LittleEndian.Uint32(head[4:]))
	if end > src.size() {
		return nil, undecodable("the file is truncated")
	}
	f := &webpFile{in: in, payload: newPayload(WebP)}
	if err := riffChunks(src, webpHeader, end, f.chunk); err != nil {
		return nil, err
	}
	if f.animated && f.frames == 0 || f.first.coded == nil {
		return nil, undecodable("it holds no picture")
	}
	return f, nil
}

// riffChunks calls each for the chunks from off to end. data is read by each;
// whole is the chunk with its header and padding.
func riffChunks(src *source, off, end int64, each func(kind string, data, whole *io.SectionReader) error) error {
	for chunks := 0; off+riffHeader <= end; chunks++ {
		if chunks > webpMaxChunks {
			return undecodable("it has more than %d chunks", webpMaxChunks)
		}
		head, err := src.bytes(off, riffHeader)
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if n > end-off-riffHeader {
			return undecodable("a chunk %q reaches beyond the end", head[:4])
		}
		padded := min(riffHeader+n+n&1, end-off)
		err = each(string(head[:4]), src.section(off+riffHeader, n), src.section(off, padded))
		if err != nil {
			return ended(err)
		}
		off += padded
	}
	return nil
}

// chunk reads a chunk of the file.
func (f *webpFile) chunk(kind string, data, whole *io.SectionReader) error {
	var err error
	switch kind {
	case "VP8X":
		err = f.extend(data)
	case "ANMF":
		if f.animated {
			err = f.frame(data)
		}
	case "ALPH", "VP8 ", "VP8L":
		if f.animated || f.first.coded != nil {
			return nil // no decoder looks at it
		}
		err = f.still(kind, data, whole)
	case "ICCP", "ANIM":
	default:
		return nil // metadata, or unknown
	}
	if err != nil || kind == "VP8X" {
		return err
	}
	w, done := f.payload.stream(kind)
	defer done()
	_, err = io.Copy(w, io.NewSectionReader(data, 0, data.Size()))
	return err
}

// extend reads the header of an extended file.
func (f *webpFile) extend(data io.ReaderAt) error {
	var b [webpExtendedLen]byte
	if _, err := data.ReadAt(b[:], 0); err != nil {
		return err
	}
	if f.extended || f.first.coded != nil {
		return undecodable("VP8X out of order")
	}
	f.extended, f.animated = true, b[0]&webpAnimationFlag != 0
	f.width, f.height = 1+uint24(b[4:]), 1+uint24(b[7:])
	if f.animated { // of a still, the size is that of its coded picture
		f.payload.part("canvas", b[4:])
	}
	return f.in.fits(f.width, f.height, 1)
}

// still reads a chunk of the only picture.
func (f *webpFile) still(kind string, data, whole *io.SectionReader) error {
	if err := f.first.chunk(kind, data, whole); err != nil || kind == "ALPH" {
		return err
	}
	if !f.extended {
		f.width, f.height = f.first.width, f.first.height
	} else if f.width != f.first.width || f.height != f.first.height {
		return undecodable("a picture of another size than the header's")
	}
	return f.in.fits(f.width, f.height, 1)
}

// frame reads a frame of an animation.
func (f *webpFile) frame(data *io.SectionReader) error {
	f.frames++
	if f.frames > maxFrames {
		return tooManyFrames()
	}
	if err := f.in.fits(f.width, f.height, int64(f.frames)); err != nil {
		return err
	}
	var b [webpFrameHeader]byte
	if _, err := data.ReadAt(b[:], 0); err != nil {
		return err
	}
	x, y, w, h := 2*uint24(b[0:]), 2*uint24(b[3:]), 1+uint24(b[6:]), 1+uint24(b[9:])
	if x+w > f.width || y+h > f.height {
		return undecodable("frame %d reaches beyond the picture", f.frames)
	}
	src := &source{r: data, done: func() error { return nil }}
	frame := webpFrame{x: x, y: y}
	err := riffChunks(src, webpFrameHeader, data.Size(), func(kind string, data, whole *io.SectionReader) error {
		if frame.coded != nil {
			return nil
		}
		return frame.chunk(kind, data, whole)
	})
	if err != nil {
		return err
	}
	if frame.coded == nil || frame.width != w || frame.height != h {
		return undecodable("frame %d is not of the size that its header says", f.frames)
	}
	if f.frames == 1 {
		f.first = frame
	}
	return nil
}

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

// firstWebP decodes the first frame, where it lies on the canvas.
func (in *Inspector) firstWebP(src *source) (raster, error) {
	f, err := in.openWebP(src)
	if err != nil {
		return raster{}, err
	}
	m, err := f.first.decode()
	if err != nil {
		return raster{}, err
	}
	if f.first.width == f.width && f.first.height == f.height {
		r := whole(m)
		r.limited = !f.first.lossless
		return r, nil
	}
	fullRange(m)
	canvas := image.NewNRGBA(image.Rect(0, 0, int(f.width), int(f.height)))
	draw.Draw(canvas, m.Bounds().Add(image.Pt(int(f.first.x), int(f.first.y))), m, m.Bounds().Min, draw.Src)
	return whole(canvas), nil
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

func uint24(b []byte) int64 { return int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16 }
