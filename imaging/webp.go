package imaging

import (
	"context"
	"encoding/binary"
	"image"
	"io"
	"time"

	"inlet/imaging/fingerprint"
)

// webp reads the chunks of a WebP to the end of the RIFF and checks the header
// of every frame. It decodes the first frame, which finds all damage in it.
func (in *Inspector) webp(ctx context.Context, src *source, orientation int) (contents, error) {
	f := &webpFile{in: in, payload: newPayload(WebP)}
	if err := f.read(src); err != nil {
		return contents{}, err
	}

	c := contents{
		width: int(f.width), height: int(f.height), frames: max(1, f.frames),
		duration: f.duration, payload: f.payload, reducedKnown: !f.animated,
	}

	var err error
	c.reduced, err = f.decodeFirst(ctx, src, orientation)
	return c, err
}

// decodeFirst decodes the first frame within the Inspector's memory. It reduces
// the picture for comparison where that frame is the whole picture.
func (f *webpFile) decodeFirst(ctx context.Context, src *source, orientation int) (reduced *fingerprint.Picture, err error) {
	if blank, err := f.first.check(); err != nil || blank {
		return nil, ended(err)
	}

	size := image.Pt(int(f.first.width), int(f.first.height))
	memory := f.first.memory() + reducedMemory(size, fingerprint.Side)
	err = f.in.within(ctx, memory, func() error {
		m, err := f.first.decode()
		if err != nil || f.animated || narrow(size, fingerprint.Side) {
			return err
		}

		reduced, err = m.reduce(src, fingerprint.Frame{
			Width: size.X, Height: size.Y, Orientation: orientation, Side: fingerprint.Side,
		})
		return err
	})

	return reduced, err
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

const (
	riffHeader, webpHeader     = 8, 12
	webpAnimationFlag          = 0x02
	webpAlphaFlag              = 0x10
	webpExtendedLen            = 10
	webpFrameHeader            = 16
	webpFrameGoes, webpNoBlend = 0x01, 0x02
	webpMaxChunks              = maxFrames + 1<<10
)

// read reads all chunks. It hashes their data in the same pass.
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
		if err := each(string(head[:4]), src.section(off+riffHeader, n), src.section(off, padded)); err != nil {
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
		return f.extend(data)
	case "ANMF":
		if f.animated {
			err = f.frame(data)
		}
	case "ALPH", "VP8 ", "VP8L":
		if f.animated || f.first.coded != nil {
			return nil // decoders ignore it
		}
		err = f.still(kind, data, whole)
	case "ICCP", "ANIM":
	default:
		return nil // metadata, or unknown
	}
	if err != nil {
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

	frame := webpFrame{x: x, y: y, blend: b[15]&webpNoBlend == 0}
	if b[15]&webpFrameGoes != 0 {
		frame.after = frameGoes
	}

	src := &source{r: data, done: func() error { return nil }}
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

func uint24(b []byte) int64 { return int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16 }
