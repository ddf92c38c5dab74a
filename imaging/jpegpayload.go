package imaging

import (
	"bytes"
	"hash"
)

// jpegPayload hashes a JPEG while dcjpeg reads it: every segment and all
// entropy-coded data, without comments and the application's segments. Of the
// latter, the colour profile and the colour space count. Data behind the end
// marker, such as previews and gain maps, do not.
type jpegPayload struct {
	*payload
	colour  jpegColour
	entropy hash.Hash // of the current scan, if any
	endScan func()
}

// add is a dcjpeg.Tap.
func (p *jpegPayload) add(code byte, data []byte) {
	if code == 0 {
		p.entropy.Write(data)
		return
	}

	p.end()
	switch {
	case code == jpegAPP2 && bytes.HasPrefix(data, []byte("ICC_PROFILE\x00")):
		p.part("icc", data)
	case code == jpegAPP0:
		p.colour.jfif = p.colour.jfif || bytes.HasPrefix(data, []byte("JFIF\x00"))
	case code == jpegAPP14 && len(data) >= 12 && bytes.HasPrefix(data, []byte("Adobe")):
		p.colour.adobe, p.colour.transform = true, data[11]
	case code > jpegAPP0 && code <= jpegAPP15, code == jpegCOM:
	default:
		p.part(string([]byte{0xff, code}), data)
		if isSOF(code) {
			p.colour.frame(data)
		}
	}
	if code == jpegSOS {
		p.entropy, p.endScan = p.stream("entropy")
	}
}

// end ends a scan.
func (p *jpegPayload) end() {
	if p.entropy != nil {
		p.endScan()
		p.entropy = nil
	}
}

// finish ends the file.
func (p *jpegPayload) finish() {
	p.end()
	p.part("colour", p.colour.meaning())
}

// jpegColour decides the meaning of a JPEG's components. It is hashed instead of
// the segments that declare it: they also hold other things, and a tool may drop
// them where they declare the usual.
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
