package imaging

import (
	"context"
	"encoding/binary"
	"image"
	"io"

	"inlet/imaging/fingerprint"
)

// checkFrame verifies that a frame's data are whole. Lossless data, those of
// transparency included, are followed without keeping pixels; lossy ones are
// decoded, and seen gets what came out.
func (in *Inspector) checkFrame(ctx context.Context, p *webpFrame, seen func(opaque image.Image)) error {
	if p.alpha != nil {
		if err := in.checkAlpha(ctx, p); err != nil {
			return ended(err)
		}
	}
	data, err := chunkData(p.coded)
	if err != nil {
		return err
	}
	if p.lossless {
		return in.checkLossless(ctx, p, io.NewSectionReader(data, vp8lHeaderLen, data.Size()-vp8lHeaderLen))
	}
	if err := p.plausible(data); err != nil {
		return ended(err)
	}
	opaque := *p
	opaque.alpha = nil
	room := lookMemory(image.Pt(int(p.width), int(p.height)), fingerprint.Side)
	return in.within(ctx, opaque.memory()+room, func() error {
		m, err := opaque.decode()
		if err == nil {
			seen(m)
		}
		return err
	})
}

// checkAlpha verifies the transparency of a lossy picture.
func (in *Inspector) checkAlpha(ctx context.Context, p *webpFrame) error {
	data, err := chunkData(p.alpha)
	if err != nil {
		return err
	}
	var head [1]byte
	if _, err := data.ReadAt(head[:], 0); err != nil {
		return err
	}
	rest := io.NewSectionReader(data, 1, data.Size()-1)
	switch head[0] & 3 {
	case 0:
		if rest.Size() < p.width*p.height {
			return undecodable("%v", errVP8LShort)
		}
		return nil
	case 1:
		return in.checkLossless(ctx, p, rest)
	}
	return undecodable("transparency compressed in an unknown way")
}

// checkLossless follows VP8L data behind their header. What it takes are the
// map of codes, at most a 16th of the pixels, and the codes themselves.
func (in *Inspector) checkLossless(ctx context.Context, p *webpFrame, data *io.SectionReader) error {
	memory := p.width*p.height/4 + webpCodes(data.Size())
	return in.within(ctx, memory, func() error {
		r, release := in.buffered(data)
		defer release()
		if err := checkVP8L(r, int(p.width), int(p.height)); err != nil {
			return undecodable("%v", err)
		}
		return nil
	})
}

// webpCodes is what the codes of so much lossless data take, at most.
func webpCodes(size int64) int64 {
	const perByte, most = 1 << 11, 16 << 20
	return min(perByte*size, most)
}

// plausible refuses lossy data that are too few for the picture's size, before
// anything is allocated for it: a macroblock of 16×16 pixels takes more than
// two bits of the first partition, whatever it shows.
func (p *webpFrame) plausible(data io.ReaderAt) error {
	var b [4]byte
	if _, err := data.ReadAt(b[:], 0); err != nil {
		return err
	}
	partition := int64(binary.LittleEndian.Uint32(b[:]) & 0xffffff >> 5)
	if blocks := ((p.width + 15) / 16) * ((p.height + 15) / 16); 4*partition < blocks-64 {
		return undecodable("%v", errVP8LShort)
	}
	return nil
}

// chunkData is what a chunk holds.
func chunkData(whole *io.SectionReader) (*io.SectionReader, error) {
	var head [riffHeader]byte
	if _, err := whole.ReadAt(head[:], 0); err != nil {
		return nil, ended(err)
	}
	return io.NewSectionReader(whole, riffHeader, int64(binary.LittleEndian.Uint32(head[4:]))), nil
}
