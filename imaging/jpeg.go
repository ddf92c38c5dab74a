package imaging

import (
	"bufio"
	"context"
	"errors"

	"inlet/imaging/dcjpeg"
	"inlet/imaging/fingerprint"
)

// jpeg reads a JPEG once, to its end: whether it is sound, its payload, and what
// it looks like where an eighth of it will do. A file that lacks nothing but the
// end marker is taken: all of its pixels are there. Kinds that dcjpeg does not
// check are decoded by nothing else here either: arithmetic coding, 12 bits,
// lossless.
func (in *Inspector) jpeg(_ context.Context, src *source, orientation int) (picture, error) {
	d := in.jpegs.Get().(*dcjpeg.Decoder)
	defer in.jpegs.Put(d)

	p := jpegPayload{payload: newPayload(JPEG)}
	m, err := d.Inspect(src.all(), in.maxPixels, p.add)
	switch {
	case errors.Is(err, dcjpeg.ErrTooLarge):
		return picture{}, tooManyPixels(err)
	case err != nil:
		return picture{}, undecodable("%v", err)
	}
	p.finish()
	pic := picture{width: m.Width, height: m.Height, frames: 1, payload: p.payload}
	if m.Y.Pix != nil && fingerprint.EighthForFingerprint(m.Width, m.Height) {
		frame := fingerprint.Frame{Width: m.Width, Height: m.Height, Scale: 8, Orientation: orientation, Side: fingerprint.Side}
		pic.look = fingerprint.New(planes(m), frame)
	}
	return pic, nil
}

// JPEG markers, without their FF.
const (
	jpegSOF0, jpegDHT, jpegJPG, jpegDAC = 0xc0, 0xc4, 0xc8, 0xcc
	jpegRST0                            = 0xd0
	jpegSOI, jpegEOI, jpegSOS           = 0xd8, 0xd9, 0xda
	jpegAPP0, jpegAPP2, jpegAPP14       = 0xe0, 0xe2, 0xee
	jpegAPP15, jpegCOM                  = 0xef, 0xfe
)

func isSOF(code byte) bool {
	return code >= jpegSOF0 && code < jpegRST0 && code != jpegDHT && code != jpegJPG && code != jpegDAC
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
