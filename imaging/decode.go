package imaging

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"inlet/imaging/dcjpeg"
)

// raster is a decoded picture. Of its samples only width × height hold the
// picture: the last column and row may reach beyond it.
type raster struct {
	image.Image
	width, height float64
	scale         int  // pixels that a sample stands for along each side
	limited       bool // see fullRange
}

func whole(m image.Image) raster {
	return raster{Image: m, width: float64(m.Bounds().Dx()), height: float64(m.Bounds().Dy()), scale: 1}
}

// decoder is how the pixels of a format are had.
type decoder struct {
	config func(io.Reader) (image.Config, error)
	decode func(_ *Inspector, _ *source, frame int) (raster, error)
	// bytesPerPixel is what decoding takes at most: a progressive JPEG's
	// coefficients, 16 bits a channel of others. Frames take bytesToCompose more.
	bytesPerPixel int64
}

var decoders = map[Format]decoder{
	JPEG: {jpeg.DecodeConfig, still(decodeJPEG), 24}, // see jpegKind
	PNG:  {png.DecodeConfig, (*Inspector).pngPicture, 8},
	GIF:  {gif.DecodeConfig, (*Inspector).gifPicture, 5},
	WebP: {webp.DecodeConfig, (*Inspector).webpPicture, 16},
	BMP:  {bmp.DecodeConfig, still(bmp.Decode), 4},
	TIFF: {nil, (*Inspector).tiffImage, 8},
}

// still lets a decoder of files with one picture read one.
func still(decode func(io.Reader) (image.Image, error)) func(*Inspector, *source, int) (raster, error) {
	return func(_ *Inspector, src *source, frame int) (raster, error) {
		if frame > 0 {
			return raster{}, noFrame(frame)
		}
		m, err := decode(src.all())
		if err != nil {
			return raster{}, err
		}
		return whole(m), nil
	}
}

// decodeJPEG adds the end marker that some files lack.
func decodeJPEG(r io.Reader) (image.Image, error) {
	return jpeg.Decode(io.MultiReader(r, bytes.NewReader([]byte{0xff, 0xd9})))
}

// whole decodes all pixels of a frame, which must be of the size that was
// admitted.
func (in *Inspector) whole(src *source, f Format, frame int, size image.Point) (raster, error) {
	m, err := decoders[f].decode(in, src, frame)
	if err != nil {
		return raster{}, undecodable("%v", err)
	}
	if got := m.Bounds().Size(); got != size {
		return raster{}, undecodable("%v pixels instead of %v", got, size)
	}
	return m, nil
}

// eighth decodes a JPEG at an eighth of its size; dcjpeg.ErrUnsupported says that
// it must be decoded whole.
func (in *Inspector) eighth(src *source) (raster, error) {
	d := in.jpegs.Get().(*dcjpeg.Decoder)
	defer in.jpegs.Put(d)
	m, err := d.Decode(src.all(), in.maxPixels)
	if errors.Is(err, dcjpeg.ErrUnsupported) {
		return raster{}, err
	}
	if err != nil {
		return raster{}, undecodable("%v", err)
	}
	return raster{Image: planes(m), width: float64(m.Width) / 8, height: float64(m.Height) / 8, scale: 8}, nil
}

// planes makes an image of what dcjpeg decoded.
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

// size is that of a frame as coded.
func (in *Inspector) size(src *source, f Format, frame int) (image.Point, error) {
	if f == TIFF {
		_, l, err := in.tiffPicture(src, frame)
		if err != nil {
			return image.Point{}, err
		}
		return image.Pt(int(l.width), int(l.height)), nil
	}
	c, err := decoders[f].config(src.all())
	if err != nil {
		return image.Point{}, undecodable("%v", err)
	}
	return image.Pt(c.Width, c.Height), in.fits(int64(c.Width), int64(c.Height), 1)
}

// way is how the pixels of a picture are had, all at once or by rows, and the
// memory that this takes.
type way struct {
	memory int64
	whole  func() (raster, error)                  // or
	rows   func() (_ rows, done func(), err error) // by rows
}

// ways finds those for a frame, the cheapest first: by rows where the format
// allows it, an eighth of a JPEG where that is enough, or as a whole. The next
// one is for what dcjpeg does not support.
func (in *Inspector) ways(src *source, f Format, frame int, size image.Point, eighthWillDo bool) []way {
	pixels := int64(size.X) * int64(size.Y)
	whole := way{memory: pixels * decoders[f].bytesPerPixel, whole: func() (raster, error) { return in.whole(src, f, frame, size) }}
	if frame > 0 && f != TIFF {
		whole.memory += pixels * bytesToCompose
	}
	switch f {
	case PNG:
		if frame == 0 && !interlaced(src) {
			return []way{{memory: rowMemory(size.X), rows: func() (rows, func(), error) { return in.pngByRows(src) }}}
		}
	case WebP:
		whole.memory += src.size() + webpCodes(src.size())
	case TIFF:
		t, l, err := in.tiffPicture(src, frame)
		switch {
		case err == nil && t.byRows(l):
			return []way{{memory: rowMemory(size.X), rows: func() (rows, func(), error) { return in.tiffByRows(t, l) }}}
		case err == nil && l.planes > 1: // which x/image does not see
			return nil
		case err == nil:
			whole.memory += l.blockBytes(0)
		}
	case JPEG:
		kind := in.jpegKind(src)
		whole.memory = int64(float64(pixels) * kind.bytesPerPixel)
		if kind.eighth && eighthWillDo {
			return []way{{memory: pixels / 16, whole: func() (raster, error) { return in.eighth(src) }}, whole}
		}
	}
	return []way{whole}
}

// rowMemory is what reading by rows takes: three rows of up to 8 bytes a pixel.
func rowMemory(width int) int64 { return 32*int64(width) + 1<<20 }

// open gives the rows of a picture, also of one that is decoded at once.
func (w way) open() (_ rows, done func(), err error) {
	if w.rows != nil {
		return w.rows()
	}
	m, err := w.whole()
	if err != nil {
		return rows{}, func() {}, err
	}
	return m.rows(), func() {}, nil
}

// pngByRows reads a PNG by rows.
func (in *Inspector) pngByRows(src *source) (_ rows, done func(), err error) {
	p, done, err := in.openPNG(src)
	if err != nil {
		return rows{}, done, err
	}
	h := p.f.head
	return rows{int(h.width), int(h.height), float64(h.width), float64(h.height), p.next}, done, nil
}

// interlaced says what the header of a PNG does.
func interlaced(src *source) bool {
	const at = 28 // the last byte of IHDR, which is the first chunk
	b, err := src.bytes(at, 1)
	return err != nil || b[0] != 0
}

// jpegKind is what matters of a JPEG's frame header for decoding it.
type jpegKind struct {
	bytesPerPixel float64 // that image/jpeg takes
	eighth        bool    // dcjpeg may know it
}

// jpegKind reads the frame header. A pixel takes a byte of each component, as
// far as that is not subsampled, four more for the coefficients of a progressive
// file, and four in the end where there is ink.
func (in *Inspector) jpegKind(src *source) jpegKind {
	kind := jpegKind{bytesPerPixel: 24}
	in.jpegSegments(src, func(code byte, body []byte) bool {
		if isSOF(code) {
			kind = readJPEGKind(code, body)
		}
		return !isSOF(code)
	})
	return kind
}

func readJPEGKind(code byte, frame []byte) jpegKind {
	samples, most := 0, 1
	for i := 6; i+3 <= len(frame); i += 3 {
		n := int(frame[i+1]>>4) * int(frame[i+1]&15)
		samples, most = samples+n, max(most, n)
	}
	if len(frame) < 9 {
		return jpegKind{bytesPerPixel: 24}
	}
	k := jpegKind{bytesPerPixel: float64(samples) / float64(most), eighth: frame[5] < 4}
	if code > jpegSOF0+1 {
		k.bytesPerPixel *= 5
	}
	if !k.eighth {
		k.bytesPerPixel += 4
	}
	return k
}
