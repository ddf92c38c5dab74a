package exif

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
)

// locatePNG finds the eXIf chunk and, for older files, the text chunks in which
// ImageMagick keeps the block in hexadecimal.
func locatePNG(f *io.SectionReader) []*io.SectionReader {
	var found, legacy []*io.SectionReader
	off := int64(8)
	for range maxChunks {
		head := peek(f, off, 8)
		if len(head) < 8 || len(found)+len(legacy) >= maxBlocks {
			break
		}
		n := int64(binary.BigEndian.Uint32(head))
		content := section(f, off+8, n)
		switch kind := string(head[4:]); kind {
		case "eXIf":
			if t, ok := tiffIn(content); ok {
				found = append(found, t)
			}
		case "tEXt", "zTXt":
			if t, ok := rawProfile(content, kind == "zTXt"); ok {
				legacy = append(legacy, t)
			}
		case "IEND":
			return append(found, legacy...)
		}
		off += 12 + n
	}
	return append(found, legacy...)
}

// rawProfile decodes a text chunk "Raw profile type exif" or "… APP1": a name
// and a length on lines of their own, then hexadecimal digits.
func rawProfile(chunk *io.SectionReader, compressed bool) (*io.SectionReader, bool) {
	keyword, _, ok := bytes.Cut(peek(chunk, 0, 80), []byte{0})
	if !ok || !isRawProfile(string(keyword)) || chunk.Size() > maxCopied {
		return nil, false
	}
	var text io.Reader = section(chunk, int64(len(keyword)+1), chunk.Size())
	if compressed {
		// One byte names the method, of which there is one.
		z, err := zlib.NewReader(section(chunk, int64(len(keyword)+2), chunk.Size()))
		if err != nil {
			return nil, false
		}
		defer z.Close()
		text = z
	}
	b, err := io.ReadAll(io.LimitReader(text, maxCopied))
	if err != nil {
		return nil, false
	}
	lines := bytes.SplitN(bytes.TrimLeft(b, "\n"), []byte("\n"), 3)
	if len(lines) < 3 {
		return nil, false
	}
	digits := bytes.Join(bytes.Fields(lines[2]), nil)
	raw := make([]byte, hex.DecodedLen(len(digits)))
	got, _ := hex.Decode(raw, digits) // up to the first bad digit
	return tiffIn(inMemory(raw[:got]))
}

func isRawProfile(keyword string) bool {
	kind, ok := strings.CutPrefix(keyword, "Raw profile type ")
	return ok && (strings.EqualFold(kind, "exif") || strings.EqualFold(kind, "APP1"))
}
