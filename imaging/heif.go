package imaging

import (
	"context"
	"errors"

	"inlet/imaging/isobmff"
)

// heif reads the boxes of a HEIC or AVIF file; its pixels are decoded later, by
// a worker. That its data lies wholly inside the file is all that is known of
// its soundness. The boxes alone say how it is turned: EXIF says it again.
func (in *Inspector) heif(_ context.Context, src *source) (picture, error) {
	h, err := isobmff.Parse(src, src.size())
	switch {
	case errors.Is(err, isobmff.ErrMalformed):
		return picture{}, undecodable("%v", err)
	case err != nil:
		return picture{}, err
	}
	switch h.Codec {
	case "hvc1", "hev1", "av01", "":
	default:
		return picture{}, undecodable("pictures coded as %q", h.Codec)
	}
	width, height := h.Displayed()
	pic := picture{width: width, height: height, frames: max(1, h.Frames), oriented: true}
	return pic, in.fits(int64(width), int64(height), int64(pic.frames))
}
