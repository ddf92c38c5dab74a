package exif

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strings"
)

// locatePNG finds the eXIf chunk and, for older files, the text chunks in which
// ImageMagick writes the block in hexadecimal.
func locatePNG(f *io.SectionReader) []*io.SectionReader {
	var found, legacy []*io.SectionReader
	off, profiles := int64(8), 0
	for range maxChunks {
		head := peek(f, off, 8)
		if len(head) < 8 || string(head[4:]) == "IEND" || len(found)+len(legacy) >= maxBlocks {
			break
		}
		n := int64(binary.BigEndian.Uint32(head))
		content := section(f, off+8, n)
		off += 12 + n

		switch kind := string(head[4:]); kind {
		case "eXIf":
			found = append(found, tiffIn(content)...)
		case "tEXt", "zTXt":
			if keyword, ok := rawProfile(content); ok && profiles < maxBlocks {
				profiles++
				legacy = append(legacy, decodeProfile(content, keyword, kind == "zTXt")...)
			}
		}
	}

	return append(found, legacy...)
}

// rawProfile reports that a text chunk holds a block, and the length of its keyword.
func rawProfile(chunk *io.SectionReader) (keyword int, ok bool) {
	name, _, ok := bytes.Cut(peek(chunk, 0, 80), []byte{0})
	kind, raw := strings.CutPrefix(string(name), "Raw profile type ")
	return len(name), ok && raw && (strings.EqualFold(kind, "exif") || strings.EqualFold(kind, "APP1"))
}

// decodeProfile decodes such a chunk: the profile's name and length on lines of
// their own, then hexadecimal digits.
func decodeProfile(chunk *io.SectionReader, keyword int, compressed bool) []*io.SectionReader {
	at := int64(keyword) + 1
	var text io.Reader = section(chunk, at, chunk.Size())
	if compressed { // a byte that names the only method, then the data
		z, err := zlib.NewReader(section(chunk, at+1, chunk.Size()))
		if err != nil {
			return nil
		}
		defer z.Close()
		text = z
	}
	b, err := io.ReadAll(io.LimitReader(text, maxCopied))
	if err != nil {
		return nil
	}

	lines := bytes.SplitN(bytes.TrimLeft(b, "\n"), []byte("\n"), 3)
	if len(lines) < 3 {
		return nil
	}
	digits := slices.DeleteFunc(lines[2], func(c byte) bool { return c == '\n' || c == '\r' || c == ' ' })
	raw := make([]byte, hex.DecodedLen(len(digits)))
	n, _ := hex.Decode(raw, digits) // up to the first that is none

	return tiffIn(inMemory(raw[:n]))
}
