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
		return picture{}, err //nolint:wrapcheck // a failure of the reader
	}
	w, ht := h.Displayed()
	pic := picture{width: w, height: ht, frames: max(1, h.Frames), oriented: true}
	return pic, in.fits(int64(w), int64(ht), int64(pic.frames))
}
