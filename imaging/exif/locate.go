package exif

import (
	"bytes"
	"encoding/binary"
	"io"

	"inlet/imaging/isobmff"
)

// Bounds of the search for the block. Real files stay far below.
const (
	maxSegments = 1024    // JPEG segments before the picture data
	maxJunk     = 1 << 16 // bytes between JPEG segments
	maxChunks   = 16384   // PNG and WebP chunks
	maxBlocks   = 4       // blocks to try; the first good one counts
	maxCopied   = 1 << 18 // bytes of a block that lies in several pieces
)

// locate returns the places where the format may keep a TIFF block, the
// likeliest first.
func locate(r io.ReaderAt, size int64, format string) []*io.SectionReader {
	f := io.NewSectionReader(r, 0, size)
	switch format {
	case "jpeg":
		return locateJPEG(f)
	case "png":
		return locatePNG(f)
	case "webp":
		return locateWebP(f)
	case "heic", "avif":
		return locateBoxes(f)
	case "tiff":
		return []*io.SectionReader{f}
	}

	return nil
}

// peek reads up to n bytes at off: fewer at the end of r, none if r fails.
func peek(r io.ReaderAt, off int64, n int) []byte {
	b := make([]byte, n)
	got, err := r.ReadAt(b, off)
	if err != nil && err != io.EOF {
		return nil
	}
	return b[:got]
}

// tiffIn returns the part of s from its TIFF header on, if it has one: "Exif\0\0" or
// some other few bytes may precede it.
func tiffIn(s *io.SectionReader) []*io.SectionReader {
	head := peek(s, 0, 64)
	at := -1
	for _, magic := range []string{"II*\x00", "MM\x00*"} {
		if i := bytes.Index(head, []byte(magic)); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	if at < 0 {
		return nil
	}

	return []*io.SectionReader{section(s, int64(at), s.Size())}
}

// section is n bytes of s at off, or fewer at its end.
func section(s *io.SectionReader, off, n int64) *io.SectionReader {
	return io.NewSectionReader(s, off, max(0, min(n, s.Size()-off)))
}

func joined(parts []*io.SectionReader) *io.SectionReader {
	if len(parts) == 1 {
		return parts[0]
	}

	all := make([]byte, 0, maxCopied)
	for _, p := range parts {
		n, err := p.ReadAt(all[len(all):min(maxCopied, len(all)+int(p.Size()))], 0)
		if all = all[:len(all)+n]; err != nil && err != io.EOF {
			break
		}
	}

	return inMemory(all)
}

func inMemory(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// locateJPEG collects the Exif segments. A block that does not fit one segment goes on
// in the next ones, which have no TIFF header of their own.
func locateJPEG(f *io.SectionReader) []*io.SectionReader {
	var blocks [][]*io.SectionReader
	eachSegment(f, func(marker byte, s *io.SectionReader) {
		head := peek(s, 0, 10)
		at := bytes.Index(bytes.ToLower(head), []byte("exif\x00"))
		if marker != 0xe1 || at < 0 || at > 4 {
			return
		}

		const prefix = len("Exif\x00\x00")
		if t := tiffIn(s); t != nil && len(blocks) < maxBlocks {
			blocks = append(blocks, t)
		} else if t == nil && len(blocks) > 0 {
			last := &blocks[len(blocks)-1]
			*last = append(*last, section(s, int64(at+prefix), s.Size()))
		}
	})

	var found []*io.SectionReader
	for _, parts := range blocks {
		found = append(found, joined(parts))
	}

	return found
}

// eachSegment calls fn with the content of each segment before the picture data.
func eachSegment(f *io.SectionReader, fn func(marker byte, s *io.SectionReader)) {
	off, junk := int64(2), int64(maxJunk)
	for range maxSegments {
		at := nextMarker(f, off, junk)
		junk -= at - off
		off = at
		head := peek(f, off, 4)
		if len(head) < 4 {
			return
		}

		marker := head[1]
		switch {
		case marker == 0xda || marker == 0xd9: // picture data, end
			return
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8: // no content
			off += 2
			continue
		}

		n := int64(binary.BigEndian.Uint16(head[2:]))
		if n < 2 {
			return
		}
		fn(marker, section(f, off+4, n-2))
		off += 2 + n
	}
}

// nextMarker is the offset of the next marker, at most junk bytes behind off. Like all
// decoders it skips what is no marker.
func nextMarker(f *io.SectionReader, off, junk int64) int64 {
	const window = 256
	for end := off + junk; off < end; off += window - 1 {
		b := peek(f, off, window)
		for i := 0; i+1 < len(b); i++ {
			if b[i] == 0xff && b[i+1] != 0 && b[i+1] != 0xff {
				return off + int64(i)
			}
		}
		if len(b) < window {
			break
		}
	}

	return f.Size()
}

func locateWebP(f *io.SectionReader) []*io.SectionReader {
	off := int64(12)
	for range maxChunks {
		head := peek(f, off, 8)
		if len(head) < 8 {
			return nil
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if string(head[:4]) == "EXIF" {
			if t := tiffIn(section(f, off+8, n)); t != nil {
				return t
			}
		}
		off += 8 + n + n&1
	}

	return nil
}

// locateBoxes finds the Exif item of HEIC and AVIF. Its first four bytes are the
// distance from their end to the TIFF header.
func locateBoxes(f *io.SectionReader) []*io.SectionReader {
	h, err := isobmff.Parse(f, f.Size())
	if err != nil || len(h.Exif) == 0 || len(h.Exif) > maxSegments {
		return nil
	}

	var parts []*io.SectionReader
	for _, e := range h.Exif {
		parts = append(parts, section(f, e.Offset, e.Length))
	}
	item := joined(parts)
	head := peek(item, 0, 4)
	if len(head) < 4 {
		return nil
	}

	skip := 4 + int64(binary.BigEndian.Uint32(head))
	t := tiffIn(section(item, min(skip, item.Size()), item.Size()))
	if t == nil {
		t = tiffIn(item) // the distance is wrong
	}

	return t
}
