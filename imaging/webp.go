package imaging

import (
	"context"
	"encoding/binary"
	"image"
	"io"
	"time"

	"inlet/imaging/fingerprint"
)

// webp reads the chunks of a WebP to the end of the RIFF, checks each frame's
// header, and the data of the first frame. Lossy data are decoded for that, which
// gives at once what an opaque still looks like.
func (in *Inspector) webp(ctx context.Context, src *source, orientation int) (picture, error) {
	f, err := in.openWebP(src)
	if err != nil {
		return picture{}, err
	}
	pic := picture{width: int(f.width), height: int(f.height), frames: max(1, f.frames), duration: f.duration, payload: f.payload}
	err = in.checkFrame(ctx, &f.first, func(m image.Image) {
		if !f.animated && f.first.alpha == nil && !narrow(image.Pt(pic.width, pic.height), fingerprint.Side) {
			pic.look = fingerprint.New(m, fingerprint.Frame{
				Width: pic.width, Height: pic.height, Scale: 1, Orientation: orientation, Limited: true, Side: fingerprint.Side,
			})
		}
	})
	return pic, err
}

// webpFile is what the chunks of a WebP say.
type webpFile struct {
	in            *Inspector
	width, height int64 // of the canvas
	extended      bool
	animated      bool
	frames        int // of an animation
	duration      time.Duration
	first         webpFrame
	each          func(*webpFrame) error // gets the frames of an animation, if not nil
	payload       *payload
}

// webpFrame is a picture inside a WebP: its chunks, headers included.
type webpFrame struct {
	x, y          int64 // on the canvas
	width, height int64
	alpha, coded  *io.SectionReader
	lossless      bool
	blend         bool // over what is there, instead of in its place
	after         disposal
}

const (
	riffHeader, webpHeader      = 8, 12
	webpAnimationFlag           = 0x02
	webpAlphaFlag               = 0x10
	webpExtendedLen             = 10
	webpFrameHeader             = 16
	webpFrameGoes, webpNoBlend  = 0x01, 0x02
	vp8HeaderLen, vp8lHeaderLen = 10, 5
	vp8lMagic                   = 0x2f
	webpMaxChunks               = maxFrames + 1<<10
)

// openWebP reads all chunks. The data are hashed in the same pass.
func (in *Inspector) openWebP(src *source) (*webpFile, error) {
	f := &webpFile{in: in, payload: newPayload(WebP)}
	return f, f.read(src)
}

func (f *webpFile) read(src *source) error {
	head, err := src.bytes(0, webpHeader)
	if err != nil {
		return err
	}
	end := riffHeader + int64(binary.LittleEndian.Uint32(head[4:]))
	if end > src.size() {
		return undecodable("the file is truncated")
	}
	if err := riffChunks(src, webpHeader, end, f.chunk); err != nil {
		return err
	}
	if f.animated && f.frames == 0 || f.first.coded == nil {
		return undecodable("it holds no picture")
	}
	return nil
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
	frame := webpFrame{x: x, y: y, blend: b[15]&webpNoBlend == 0}
	if b[15]&webpFrameGoes != 0 {
		frame.after = frameGoes
	}
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
	f.duration += shownFor(time.Duration(uint24(b[12:])) * time.Millisecond)
	if f.frames == 1 {
		f.first = frame
	}
	if f.each != nil {
		return f.each(&frame)
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

func uint24(b []byte) int64 { return int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16 }
