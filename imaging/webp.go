package imaging

import (
	"context"

	"golang.org/x/image/webp"
)

func (in *Inspector) webp(_ context.Context, src *source) (picture, error) {
	c, err := webp.DecodeConfig(src.all())
	if err != nil {
		return picture{}, undecodable("%v", err)
	}
	return picture{width: c.Width, height: c.Height, frames: 1}, in.fits(int64(c.Width), int64(c.Height), 1)
}
