package imaging

import (
	"context"
	"errors"

	"inlet/imaging/isobmff"
)

// heif reads the boxes of a HEIC or AVIF file and checks that its data lie
// wholly inside the file; a worker decodes the pixels later. The boxes alone say
// how the picture is turned: EXIF repeats it.
func (in *Inspector) heif(_ context.Context, src *source, _ int) (contents, error) {
	h, err := isobmff.Parse(src, src.size())
	switch {
	case errors.Is(err, isobmff.ErrMalformed):
		return contents{}, undecodable("%v", err)
	case err != nil:
		return contents{}, err
	}

	switch h.Codec {
	case "hvc1", "hev1", "av01", "":
	default:
		return contents{}, undecodable("pictures coded as %q", h.Codec)
	}

	width, height := h.Displayed()
	c := contents{width: width, height: height, frames: max(1, h.Frames), upright: true}
	return c, in.fits(int64(width), int64(height), int64(c.frames))
}
