package exif

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// cut ends b at its first NUL, as C does.
func cut(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte{0})
	return b
}

// clean is raw without control characters but tabs and ends of lines.
func clean(b []byte) string { return printable(raw(b)) }

// raw makes UTF-8 without blanks around it of what a camera wrote, up to the first
// NUL. It reads what is not UTF-8 as Latin-1, as most cameras mean it.
func raw(b []byte) string {
	b = cut(b)
	if !utf8.Valid(b) && !utf8.Valid(cutRune(b)) {
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return strings.TrimSpace(string(runes))
	}

	return strings.TrimSpace(string(cutRune(b)))
}

// oneLine makes a blank of a tab or the end of a line.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\t' || r == '\n' || r == '\r' }), " ")
}

// cutRune drops an incomplete rune from the end of a text that was cut to a length.
func cutRune(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}

	return b
}

// printable drops control characters but tabs and ends of lines, and trims blanks.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// shorten cuts s to a number of runes.
func shorten(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return strings.TrimSpace(s[:i])
		}
		n++
	}

	return s
}

// wide reads UTF-16.
func wide(b []byte, order byteOrder) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := order.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}

	return printable(string(utf16.Decode(units)))
}

// comment reads a text whose first eight bytes name its character set.
func comment(b []byte, order byteOrder) string {
	const prefix = 8
	if len(b) < prefix {
		return clean(b)
	}

	switch string(cut(b[:prefix])) {
	case "ASCII", "":
		return clean(bytes.TrimLeft(b[prefix:], "\x00"))
	case "UNICODE":
		return wide(b[prefix:], order)
	case "JIS":
		return ""
	}

	return clean(b)
}
