package imaging

import (
	"context"

	"golang.org/x/image/bmp"
)

// bmpHeaders are the lengths of the headers that a BMP may have.
var bmpHeaders = []uint32{12, 40, 52, 56, 64, 108, 124}

func (in *Inspector) bmp(_ context.Context, src *source) (picture, error) {
	c, err := bmp.DecodeConfig(src.all())
	if err != nil {
		return picture{}, undecodable("%v", err)
	}
	return picture{width: c.Width, height: c.Height, frames: 1}, in.fits(int64(c.Width), int64(c.Height), 1)
}
