package imaging

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"inlet/imaging/dcjpeg"
)

// raster is a decoded picture. Of its samples only width × height hold the
// picture: the last column and row may reach beyond it.
type raster struct {
	image.Image
	width, height float64
}

func whole(m image.Image) raster {
	return raster{m, float64(m.Bounds().Dx()), float64(m.Bounds().Dy())}
}

// decoder is how the pixels of a format are had.
type decoder struct {
	config func(io.Reader) (image.Config, error)
	decode func(*Inspector, *source) (image.Image, error)
	// bytesPerPixel is what decoding takes at most: a progressive JPEG's
	// coefficients, 16 bits a channel of others.
	bytesPerPixel int
}

var decoders = map[Format]decoder{
	JPEG: {jpeg.DecodeConfig, from(decodeJPEG), 24},
	PNG:  {png.DecodeConfig, from(png.Decode), 8},
	GIF:  {gif.DecodeConfig, from(gif.Decode), 5},
	WebP: {webp.DecodeConfig, (*Inspector).firstWebP, 16},
	BMP:  {bmp.DecodeConfig, from(bmp.Decode), 4},
	TIFF: {tiff.DecodeConfig, from(tiff.Decode), 8},
}

// from lets a decoder read the file from its beginning.
func from(decode func(io.Reader) (image.Image, error)) func(*Inspector, *source) (image.Image, error) {
	return func(_ *Inspector, src *source) (image.Image, error) { return decode(src.all()) }
}

// decodeJPEG adds the end marker that some files lack.
func decodeJPEG(r io.Reader) (image.Image, error) {
	return jpeg.Decode(io.MultiReader(r, bytes.NewReader([]byte{0xff, 0xd9})))
}

// whole decodes all pixels of a file.
func (d decoder) whole(in *Inspector, src *source, config image.Config) (raster, error) {
	m, err := d.decode(in, src)
	if err != nil {
		return raster{}, undecodable("%v", err)
	}
	screen := image.Rect(0, 0, config.Width, config.Height)
	if m.Bounds() == screen {
		return whole(m), nil
	}
	// The first frame of an animation may be smaller than its screen.
	canvas := image.NewRGBA(screen)
	draw.Draw(canvas, m.Bounds(), m, m.Bounds().Min, draw.Src)
	return whole(canvas), nil
}

// eighth decodes a JPEG at an eighth of its size, or whole where that cannot be.
func (in *Inspector) eighth(src *source, config image.Config) (raster, error) {
	d := in.jpegs.Get().(*dcjpeg.Decoder)
	defer in.jpegs.Put(d)
	m, err := d.Decode(src.all(), in.maxPixels)
	if errors.Is(err, dcjpeg.ErrUnsupported) {
		return decoders[JPEG].whole(in, src, config)
	}
	if err != nil {
		return raster{}, undecodable("%v", err)
	}
	return raster{planes(m), float64(m.Width) / 8, float64(m.Height) / 8}, nil
}

// planes makes an image of what dcjpeg decoded; it has pixels of its own, since
// the decoder uses its memory again.
func planes(m *dcjpeg.Image) image.Image {
	size := image.Rect(0, 0, m.Y.W, m.Y.H)
	if m.Components == 1 {
		return &image.Gray{Pix: bytes.Clone(m.Y.Pix), Stride: m.Y.Stride, Rect: size}
	}
	ratio := map[[2]int]image.YCbCrSubsampleRatio{
		{8, 8}: image.YCbCrSubsampleRatio444, {16, 8}: image.YCbCrSubsampleRatio422, {16, 16}: image.YCbCrSubsampleRatio420,
		{8, 16}: image.YCbCrSubsampleRatio440, {32, 8}: image.YCbCrSubsampleRatio411, {32, 16}: image.YCbCrSubsampleRatio410,
	}[[2]int{m.Cb.ScaleX, m.Cb.ScaleY}]
	return &image.YCbCr{
		Y: bytes.Clone(m.Y.Pix), Cb: bytes.Clone(m.Cb.Pix), Cr: bytes.Clone(m.Cr.Pix),
		YStride: m.Y.Stride, CStride: m.Cb.Stride, SubsampleRatio: ratio, Rect: size,
	}
}
