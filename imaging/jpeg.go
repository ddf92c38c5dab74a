package imaging

import (
	"context"
	"errors"

	"inlet/imaging/dcjpeg"
)

// jpeg reads a JPEG to its end without decoding its pixels. A file that lacks
// nothing but the end marker is taken: all of its pixels are there. Kinds that
// dcjpeg does not check are decoded by nothing else here either: arithmetic
// coding, 12 bits, lossless.
func (in *Inspector) jpeg(_ context.Context, src *source, _ int) (picture, error) {
	d := in.jpegs.Get().(*dcjpeg.Decoder)
	defer in.jpegs.Put(d)

	width, height, err := d.Check(src.all(), in.maxPixels)
	switch {
	case errors.Is(err, dcjpeg.ErrTooLarge):
		return picture{}, tooManyPixels(err)
	case err != nil:
		return picture{}, undecodable("%v", err)
	}
	r, release := in.buffered(src.all())
	defer release()
	pic := picture{width: width, height: height, frames: 1, payload: newPayload(JPEG)}
	return pic, jpegPayload(r, pic.payload)
}
