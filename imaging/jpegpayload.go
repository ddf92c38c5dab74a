package imaging

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// JPEG markers, without their FF.
const (
	jpegSOF0, jpegDHT, jpegJPG, jpegDAC = 0xc0, 0xc4, 0xc8, 0xcc
	jpegRST0, jpegRST7                  = 0xd0, 0xd7
	jpegSOI, jpegEOI, jpegSOS           = 0xd8, 0xd9, 0xda
	jpegAPP0, jpegAPP2, jpegAPP14       = 0xe0, 0xe2, 0xee
	jpegAPP15, jpegCOM                  = 0xef, 0xfe
)

// jpegPayload hashes a JPEG that was found to be sound: every segment and all
// entropy-coded data but comments and the application's segments, of which the
// colour profile counts and what they say of the colour space. What follows the
// end marker, such as previews and gain maps, does not.
func jpegPayload(r *bufio.Reader, p *payload) error {
	var colour jpegColour
	code, err := nextMarker(r)
	for err == nil && code != jpegEOI {
		switch {
		case code >= jpegRST0 && code <= jpegSOI || code == 0x01: // no segment
			code, err = nextMarker(r)
		default:
			if err = jpegSegment(r, p, code, &colour); err != nil {
				break
			}
			if code == jpegSOS {
				code, err = jpegEntropy(r, p)
			} else {
				code, err = nextMarker(r)
			}
		}
	}
	if err != nil && !errors.Is(err, io.EOF) { // the end marker may be missing
		return err
	}
	p.part("colour", colour.meaning())
	return nil
}

// nextMarker skips to the next marker and returns its code.
func nextMarker(r *bufio.Reader) (byte, error) {
	last := byte(0)
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if last == 0xff && b != 0xff && b != 0 {
			return b, nil
		}
		last = b
	}
}

// jpegSegment hashes one segment, if it counts.
func jpegSegment(r *bufio.Reader, p *payload, code byte, colour *jpegColour) error {
	size, err := r.Peek(2)
	if err != nil {
		return err
	}
	n := int(size[0])<<8 | int(size[1])
	segment, err := r.Peek(n) // fits the buffer: n < 64 KiB
	if err != nil || n < 2 {
		return err
	}
	body := segment[2:]
	switch {
	case code == jpegAPP2 && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")):
		p.part("icc", body)
	case code == jpegAPP0:
		colour.jfif = colour.jfif || bytes.HasPrefix(body, []byte("JFIF\x00"))
	case code == jpegAPP14 && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")):
		colour.adobe, colour.transform = true, body[11]
	case code > jpegAPP0 && code <= jpegAPP15, code == jpegCOM:
	default:
		p.part(string([]byte{0xff, code}), body)
		if isSOF(code) {
			colour.frame(body)
		}
	}
	_, err = r.Discard(n)
	return err
}

func isSOF(code byte) bool {
	return code >= jpegSOF0 && code < jpegRST0 && code != jpegDHT && code != jpegJPG && code != jpegDAC
}

// jpegEntropy hashes the entropy-coded data of a scan, restart markers
// included, and returns the marker behind it.
func jpegEntropy(r *bufio.Reader, p *payload) (byte, error) {
	w, done := p.stream("entropy")
	defer done()
	for {
		_, end := r.Peek(2)
		buf, _ := r.Peek(r.Buffered()) // never fails: it is all there
		if end != nil {
			w.Write(buf)
			return 0, end
		}
		n, code := entropyEnd(buf)
		w.Write(buf[:n])
		if code != 0 {
			n += 2
		}
		if _, err := r.Discard(n); err != nil || code != 0 {
			return code, err
		}
	}
}

// entropyEnd finds the first marker in entropy-coded data. Without one, code is
// 0 and n leaves an FF at the end to be looked at again.
func entropyEnd(buf []byte) (n int, code byte) {
	for {
		i := bytes.IndexByte(buf[n:], 0xff)
		if i < 0 {
			return len(buf), 0
		}
		n += i
		if n+1 == len(buf) {
			return n, 0
		}
		switch c := buf[n+1]; {
		case c == 0, c >= jpegRST0 && c <= jpegRST7:
			n += 2
		case c == 0xff:
			n++
		default:
			return n, c
		}
	}
}

// jpegColour is what decides how the components of a JPEG are understood. It is
// hashed instead of the segments that say it, which also say other things, and
// which a tool may drop where they say the usual.
type jpegColour struct {
	jfif, adobe bool
	transform   byte
	ids         string // of the components
}

func (c *jpegColour) frame(body []byte) {
	for i := 6; i+3 <= len(body); i += 3 {
		c.ids += string(body[i : i+1])
	}
}

// meaning follows libjpeg's rules.
func (c *jpegColour) meaning() []byte {
	switch {
	case len(c.ids) == 4 && c.adobe:
		return []byte{'C', 'M', 'Y', 'K', 'i', c.transform} // with inverted ink
	case len(c.ids) == 3 && !c.jfif && (c.adobe && c.transform == 0 || !c.adobe && c.ids == "RGB"):
		return []byte("RGB")
	}
	return nil
}
