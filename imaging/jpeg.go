package imaging

import (
	"context"
	"errors"
	"image/jpeg"

	"inlet/imaging/dcjpeg"
)

// jpeg reads a JPEG to its end without decoding its pixels. Kinds that dcjpeg
// leaves to others are decoded by the standard library. A file that lacks
// nothing but the end marker is taken: all of its pixels are there.
func (in *Inspector) jpeg(ctx context.Context, src *source) (picture, error) {
	d := in.jpegs.Get().(*dcjpeg.Decoder)
	defer in.jpegs.Put(d)

	pic := picture{frames: 1}
	m, err := d.Decode(src.all(), in.maxPixels)
	switch {
	case err == nil:
		pic.width, pic.height = m.Width, m.Height
	case errors.Is(err, dcjpeg.ErrUnsupported):
		if pic.width, pic.height, err = in.otherJPEG(ctx, src); err != nil {
			return picture{}, err
		}
	case errors.Is(err, dcjpeg.ErrTooLarge):
		return picture{}, tooManyPixels(err)
	default:
		return picture{}, undecodable("%v", err)
	}
	r, release := in.buffered(src.all())
	defer release()
	pic.payload = newPayload(JPEG)
	return pic, jpegPayload(r, pic.payload)
}

// otherJPEG decodes a JPEG by the standard library.
func (in *Inspector) otherJPEG(ctx context.Context, src *source) (width, height int, err error) {
	c, err := jpeg.DecodeConfig(src.all())
	if err != nil {
		return 0, 0, undecodable("%v", err)
	}
	if err := in.fits(int64(c.Width), int64(c.Height), 1); err != nil {
		return 0, 0, err
	}
	// Four components of a progressive file are kept as 32-bit coefficients.
	err = in.within(ctx, 24*int64(c.Width)*int64(c.Height), func() error {
		if _, err := jpeg.Decode(src.all()); err != nil {
			return undecodable("%v", err)
		}
		return nil
	})
	return c.Width, c.Height, err
}
