package imaging

import (
	"encoding/binary"

	"inlet/imaging/fingerprint"
)

const jpegDQT = 0xdb // a marker, without its FF

// jpegSegments visits the segments before the first scan until visit wants no
// more. A body is valid during the call alone.
func (in *Inspector) jpegSegments(src *source, visit func(code byte, body []byte) (more bool)) {
	r, release := in.buffered(src.all())
	defer release()

	for {
		code, err := nextMarker(r)
		if err != nil || code == jpegSOS {
			return
		}
		if code == jpegSOI {
			continue
		}

		length, err := r.Peek(2)
		if err != nil {
			return
		}
		segment, err := r.Peek(int(length[0])<<8 | int(length[1])) // fits the buffer
		if err != nil || len(segment) < 2 || !visit(code, segment[2:]) {
			return
		}
		if _, err := r.Discard(len(segment)); err != nil {
			return
		}
	}
}

// jpegKind is what the frame header of a JPEG says about decoding it.
type jpegKind struct {
	bytesPerPixel float64 // that image/jpeg takes
	eighth        bool    // dcjpeg may know it
}

// jpegKind reads the frame header. A pixel takes a byte of each component, as
// far as that is not subsampled, four more for the coefficients of a progressive
// file, and four in the end where there is ink.
func (in *Inspector) jpegKind(src *source) jpegKind {
	kind := jpegKind{bytesPerPixel: 24}
	in.jpegSegments(src, func(code byte, frame []byte) bool {
		if !isSOF(code) || len(frame) < 9 {
			return !isSOF(code)
		}

		samples, most := 0, 1
		for i := 6; i+3 <= len(frame); i += 3 {
			n := int(frame[i+1]>>4) * int(frame[i+1]&15)
			samples, most = samples+n, max(most, n)
		}
		kind = jpegKind{bytesPerPixel: float64(samples) / float64(most), eighth: frame[5] < 4}
		if code > jpegSOF0+1 {
			kind.bytesPerPixel *= 5
		}
		if !kind.eighth {
			kind.bytesPerPixel += 4
		}
		return false
	})

	return kind
}

// jpegQuantisation is that of a JPEG's first component, luma as a rule. It is nil
// where no segment before the first scan declares it.
func (in *Inspector) jpegQuantisation(src *source) *fingerprint.Quantisation {
	var tables [4]*fingerprint.Quantisation
	var of *fingerprint.Quantisation
	in.jpegSegments(src, func(code byte, body []byte) bool {
		switch {
		case code == jpegDQT:
			readQuantisation(&tables, body)
		case isSOF(code) && len(body) > 8:
			of = tables[body[8]&3]
		}
		return true
	})

	return of
}

// zigzag is the order in which frequencies are stored.
var zigzag = [64]uint8{ //nolint:gochecknoglobals // a table
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// readQuantisation reads tables of 8 or 16 bits until one is cut off.
func readQuantisation(tables *[4]*fingerprint.Quantisation, body []byte) {
	for len(body) > 0 {
		wide := 1 + int(body[0]>>4&1)
		if len(body) < 1+64*wide {
			return
		}
		q := new(fingerprint.Quantisation)
		for i, k := range zigzag {
			if wide == 2 {
				q[k] = binary.BigEndian.Uint16(body[1+2*i:])
			} else {
				q[k] = uint16(body[1+i])
			}
		}
		tables[body[0]&3] = q
		body = body[1+64*wide:]
	}
}
