package imaging

import (
	"bufio"
	"context"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
	"time"

	"inlet/imaging/fingerprint"
)

// png reads a PNG to its IEND in constant memory: the checksums of all chunks,
// the checksum of the compressed data, its exact length, and the filter of each
// row. It takes what image/png takes. It reduces the picture in the same pass,
// unless it is interlaced.
func (in *Inspector) png(ctx context.Context, src *source, orientation int) (contents, error) {
	r, release := in.buffered(src.all())
	defer release()

	f := &pngFile{in: in, r: r, payload: newPayload(PNG)}
	var reduced *fingerprint.Picture
	f.pixels = func(z io.Reader) (err error) {
		if f.head.interlaced || narrow(f.head.size(), fingerprint.Side) {
			return checkRows(z, f.head.passes())
		}
		reduced, err = f.reduce(ctx, src, z, orientation)
		return err
	}
	if err := f.read(); err != nil {
		return contents{}, ended(err)
	}

	f.endIDAT()
	if f.hidden {
		reduced = nil // browsers do not show this picture
	}
	return contents{
		width: int(f.head.width), height: int(f.head.height),
		frames: max(1, int(f.frames)), duration: f.duration, payload: f.payload,
		reduced: reduced, reducedKnown: f.hidden || !f.head.interlaced,
	}, nil
}

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngStage is how far the order of the chunks has got.
type pngStage int

const (
	pngStart pngStage = iota
	pngSeenIHDR
	pngSeenPLTE
	pngSeenTRNS
	pngSeenIDAT
	pngSeenIEND
)

// pngFile is a PNG while it is read.
type pngFile struct {
	in    *Inspector
	r     *bufio.Reader
	stage pngStage
	head  pngHeader

	palette, trans []byte // of PLTE and tRNS

	// The current chunk.
	kind string
	left int64 // bytes of it that are not read
	crc  uint32
	held bool // its header was read ahead

	animated bool
	frames   int64     // of the animation
	control  apngFrame // the last one's
	duration time.Duration
	hidden   bool // the picture is not part of the animation
	payload  *payload
	pixels   func(io.Reader) error // reads the rows, instead of only checking them
	idat     hash.Hash             // of the data of all IDAT chunks
	endIDAT  func()
}

// begin passes over the signature, which Sniff has seen.
func (f *pngFile) begin() error {
	f.idat, f.endIDAT = f.payload.stream("IDAT")
	_, err := f.r.Discard(len(pngSignature))
	return err
}

func (f *pngFile) read() error {
	if err := f.begin(); err != nil {
		return err
	}

	for f.stage != pngSeenIEND {
		if err := f.next(); err != nil {
			return err
		}
		if err := f.chunk(); err != nil {
			return err
		}
	}

	return nil
}

// next reads the header of a chunk.
func (f *pngFile) next() error {
	if f.held {
		f.held = false
		return nil
	}

	var b [8]byte
	if _, err := io.ReadFull(f.r, b[:]); err != nil {
		return err
	}

	f.left = int64(binary.BigEndian.Uint32(b[:]))
	if f.left > 0x7fffffff {
		return undecodable("a chunk of %d bytes", f.left)
	}

	f.kind, f.crc = string(b[4:]), crc32.ChecksumIEEE(b[4:])
	return nil
}

// Read reads from the current chunk's data.
func (f *pngFile) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n, err := f.r.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	f.crc = crc32.Update(f.crc, crc32.IEEETable, p[:n])
	return n, truncated(err)
}

// end passes over the rest of the chunk and verifies its checksum.
func (f *pngFile) end() error {
	if _, err := io.Copy(io.Discard, f); err != nil {
		return err
	}

	var b [4]byte
	if _, err := io.ReadFull(f.r, b[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(b[:]) != f.crc {
		return undecodable("the checksum of a chunk %q is wrong", f.kind)
	}
	return nil
}

// body reads the data of a small chunk to its end.
func (f *pngFile) body(most int64) ([]byte, error) {
	if f.left > most {
		return nil, undecodable("a chunk %q of %d bytes", f.kind, f.left)
	}

	p := make([]byte, f.left)
	if _, err := io.ReadFull(f, p); err != nil {
		return nil, err
	}
	return p, f.end()
}

// chunk reads a chunk by its kind.
func (f *pngFile) chunk() error {
	switch f.kind {
	case "IHDR":
		return f.ihdr()
	case "PLTE":
		return f.plte()
	case "tRNS":
		return f.trns()
	case "IDAT":
		return f.firstIDAT()
	case "IEND":
		if f.stage != pngSeenIDAT || f.left != 0 {
			return undecodable("IEND out of order")
		}
		f.stage = pngSeenIEND
		return f.end()
	case "acTL", "fcTL":
		return f.animation()
	case "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "fdAT":
		w, done := f.payload.stream(f.kind)
		if _, err := io.Copy(w, f); err != nil {
			return err
		}
		done()
	}

	return f.end()
}

// animation reads the chunks that make a PNG an animation. It passes over
// malformed ones, as decoders without animations do.
func (f *pngFile) animation() error {
	body, err := f.body(1 << 10)
	if err != nil {
		return err
	}

	f.payload.part(f.kind, body)

	switch {
	case f.kind == "acTL" && len(body) == 8 && f.stage > pngStart && f.stage < pngSeenIDAT:
		f.animated = true
	case f.kind == "fcTL" && len(body) == fcTLen && f.animated:
		f.hidden = f.hidden || f.frames == 0 && f.stage == pngSeenIDAT
		f.frames++
		f.control = readFCTL(body)
		f.duration += shownFor(f.control.delay)
		return f.in.fits(f.head.width, f.head.height, f.frames)
	}

	return nil
}
