package imaging

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"

	"inlet/imaging/dcjpeg"
	"inlet/imaging/fingerprint"
	"inlet/imaging/quality"
)

// jpeg reads a JPEG once, to its end. It checks it, hashes its payload and
// reduces the picture where an eighth of it will do. It takes a file that lacks
// nothing but the end marker: all pixels are there. It refuses the kinds that
// dcjpeg does not check, which nothing else here decodes either: arithmetic
// coding, 12 bits, lossless.
func (in *Inspector) jpeg(_ context.Context, src *source, orientation int) (contents, error) {
	d := in.jpegs.Get().(*dcjpeg.Decoder)
	defer in.jpegs.Put(d)

	p := jpegPayload{payload: newPayload(JPEG)}
	m, err := d.Inspect(src.all(), in.maxPixels, p.add)
	switch {
	case errors.Is(err, dcjpeg.ErrTooLarge):
		return contents{}, fmt.Errorf("%w: %w", ErrTooManyPixels, err)
	case err != nil:
		return contents{}, undecodable("%v", err)
	}

	p.finish()

	c := contents{width: m.Width, height: m.Height, frames: 1, payload: p.payload}
	if m.Y.Pix != nil && fingerprint.EighthForFingerprint(m.Width, m.Height) {
		frame := fingerprint.Frame{Width: m.Width, Height: m.Height, Scale: 8, Orientation: orientation, Side: fingerprint.Side}
		c.reduced = fingerprint.New(planes(m), frame)
		c.blocks = &quality.Blocks{Ends: m.Ends, Steps: m.Steps, FineBits: 8 * float64(m.FineBytes) / float64(m.Y.W*m.Y.H)}
	}
	return c, nil
}

// planes makes an image of the planes of dcjpeg.
func planes(m *dcjpeg.Image) image.Image {
	size := image.Rect(0, 0, m.Y.W, m.Y.H)
	if m.Components == 1 {
		return &image.Gray{Pix: m.Y.Pix, Stride: m.Y.Stride, Rect: size}
	}

	ratio := map[[2]int]image.YCbCrSubsampleRatio{
		{8, 8}: image.YCbCrSubsampleRatio444, {16, 8}: image.YCbCrSubsampleRatio422, {16, 16}: image.YCbCrSubsampleRatio420,
		{8, 16}: image.YCbCrSubsampleRatio440, {32, 8}: image.YCbCrSubsampleRatio411, {32, 16}: image.YCbCrSubsampleRatio410,
	}[[2]int{m.Cb.ScaleX, m.Cb.ScaleY}]
	return &image.YCbCr{
		Y: m.Y.Pix, Cb: m.Cb.Pix, Cr: m.Cr.Pix,
		YStride: m.Y.Stride, CStride: m.Cb.Stride, SubsampleRatio: ratio, Rect: size,
	}
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
