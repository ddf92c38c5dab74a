package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// Sniff tells a file's format by its first bytes; SniffLen bytes are enough. It
// ignores names and media types, and says nothing about the rest of the file.
// Other formats are ErrUnsupported: SVG, PDF, text, BigTIFF.
func Sniff(head []byte) (Format, error) {
	for _, m := range []struct {
		format Format
		prefix string
	}{
		{JPEG, "\xff\xd8\xff"}, {PNG, pngSignature}, {GIF, "GIF87a"}, {GIF, "GIF89a"}, {TIFF, "II*\x00"}, {TIFF, "MM\x00*"},
	} {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.format, nil
		}
	}

	if len(head) >= webpHeader && string(head[:4]) == "RIFF" && string(head[riffHeader:webpHeader]) == "WEBP" {
		return WebP, nil
	}
	if isBMP(head) {
		return BMP, nil
	}
	if f, ok := sniffBrands(head); ok {
		return f, nil
	}
	return "", fmt.Errorf("%w: its first bytes match no format that Inlet knows", ErrUnsupported)
}

// isBMP wants one of the known header lengths besides the two letters, with which
// many a text begins.
func isBMP(head []byte) bool {
	if len(head) < 18 || string(head[:2]) != "BM" {
		return false
	}
	return slices.Contains(bmpHeaders, binary.LittleEndian.Uint32(head[14:]))
}

// sniffBrands reads the file type box of HEIC and AVIF. The brands mif1 and
// msf1 only say that it is such a container: the compatible brands tell which.
func sniffBrands(head []byte) (Format, bool) {
	if len(head) < 16 || string(head[4:8]) != "ftyp" {
		return "", false
	}

	formats := map[string]Format{
		"heic": HEIC, "heix": HEIC, "hevc": HEIC, "hevx": HEIC, "heim": HEIC, "heis": HEIC, "avif": AVIF, "avis": AVIF,
	}

	major := string(head[8:12])
	if major != "mif1" && major != "msf1" {
		f, ok := formats[major]
		return f, ok
	}

	end := min(int64(len(head)), int64(binary.BigEndian.Uint32(head)))
	for at := int64(16); at+4 <= end; at += 4 {
		if f, ok := formats[string(head[at:at+4])]; ok {
			return f, true
		}
	}
	return "", false
}
