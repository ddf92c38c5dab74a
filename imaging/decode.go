package imaging

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"inlet/imaging/dcjpeg"
	"inlet/imaging/fingerprint"
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

// reduce makes a picture for comparison.
func (r raster) reduce(src *source, frame fingerprint.Frame) (*fingerprint.Picture, error) {
	switch r.Image.(type) {
	case *image.YCbCr, *image.NYCbCrA, *image.Gray:
		frame.Scale, frame.Limited = r.scale, r.limited
		return fingerprint.New(r.Image, frame), nil
	}
	frame.Scale = 1
	return fingerprint.NewRows(frame, src.rows(r.rows().next))
}

// decoder decodes the pictures of a format.
type decoder struct {
	config func(io.Reader) (image.Config, error) // nil for formats whose header is read here
	decode func(_ *Inspector, _ *source, frame int) (raster, error)
	// bytesPerPixel is what decoding takes at most: a progressive JPEG's
	// coefficients, 16 bits a channel of others. Frames take bytesToCompose more.
	bytesPerPixel int64
}

var decoders = map[Format]decoder{
	JPEG: {jpeg.DecodeConfig, (*Inspector).jpegPicture, 24}, // see jpegKind
	PNG:  {png.DecodeConfig, (*Inspector).pngPicture, 8},
	GIF:  {gif.DecodeConfig, (*Inspector).gifPicture, 5},
	WebP: {webp.DecodeConfig, (*Inspector).webpPicture, 16},
	BMP:  {nil, (*Inspector).bmpPicture, 4},
	TIFF: {nil, (*Inspector).tiffImage, 8},
}

// byLibrary runs a decoder that is not ours. Its panic becomes an error.
func byLibrary(decode func() (image.Image, error)) (_ raster, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = undecodable("its decoder gave up: %v", p)
		}
	}()

	m, err := decode()
	if err != nil {
		return raster{}, undecodable("%v", err)
	}
	return whole(m), nil
}

// jpegPicture decodes a JPEG and adds the end marker that some files lack.
func (in *Inspector) jpegPicture(src *source, _ int) (raster, error) {
	return byLibrary(func() (image.Image, error) {
		return jpeg.Decode(io.MultiReader(src.all(), bytes.NewReader([]byte{0xff, jpegEOI})))
	})
}

// whole decodes all pixels of a frame, which must be of the size that was
// admitted.
func (in *Inspector) whole(src *source, f Format, frame int, size image.Point) (raster, error) {
	m, err := decoders[f].decode(in, src, frame)
	if err != nil {
		return raster{}, inflated(err)
	}
	if got := m.Bounds().Size(); got != size {
		return raster{}, undecodable("%v pixels instead of %v", got, size)
	}
	return m, nil
}

// eighth decodes a JPEG at an eighth of its size. A kind that must be decoded
// whole is dcjpeg.ErrUnsupported.
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

// size is that of a frame as coded.
func (in *Inspector) size(src *source, f Format, frame int) (image.Point, error) {
	switch f {
	case TIFF:
		_, l, err := in.tiffPicture(src, frame)
		if err != nil {
			return image.Point{}, err
		}
		return image.Pt(int(l.width), int(l.height)), nil
	case BMP:
		h, err := readBMPHeader(src)
		if err != nil {
			return image.Point{}, err
		}
		return image.Pt(int(h.width), int(h.height)), in.fits(h.width, h.height, 1)
	}

	c, err := decoders[f].config(src.all())
	if err != nil {
		return image.Point{}, undecodable("%v", err)
	}
	return image.Pt(c.Width, c.Height), in.fits(int64(c.Width), int64(c.Height), 1)
}

// way decodes a frame at once or by rows, and takes so many bytes of memory.
type way struct {
	memory int64                            // for pixels
	codes  int64                            // for what the file holds
	whole  func() (raster, error)           // or
	rows   func(use func(rows) error) error // by rows
}

// ways lists those for a frame, the cheapest first: by rows where the format
// allows it, an eighth of a JPEG where that is enough, or as a whole. The next
// one serves where dcjpeg does not support the first.
func (in *Inspector) ways(src *source, f Format, frame int, size image.Point, eighthWillDo bool) []way {
	pixels := int64(size.X) * int64(size.Y)
	whole := way{memory: pixels * decoders[f].bytesPerPixel, whole: func() (raster, error) { return in.whole(src, f, frame, size) }}
	if frame > 0 && f != TIFF {
		whole.memory += pixels * bytesToCompose
	}

	switch f {
	case PNG:
		if frame == 0 && !interlaced(src) {
			return []way{{memory: rowMemory(size.X), rows: func(use func(rows) error) error { return in.pngByRows(src, use) }}}
		}
		if frame > 0 {
			whole.codes = 3 * src.size() // the frame's data, while they are gathered and in a file of their own
		}
	case WebP:
		whole.codes = src.size() + codeMemory(pixels, src.size())
	case TIFF:
		t, l, err := in.tiffPicture(src, frame)
		switch {
		case err == nil && l.byRows:
			return []way{{memory: rowMemory(size.X), rows: func(use func(rows) error) error { return in.tiffByRows(t, l, use) }}}
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

// open lets use read the rows of a frame, also of one that is decoded at once.
func (w way) open(use func(rows) error) error {
	if w.rows != nil {
		return w.rows(use)
	}

	m, err := w.whole()
	if err != nil {
		return err
	}
	return use(m.rows())
}

// reduce makes a picture of a frame for comparison.
func (w way) reduce(src *source, frame fingerprint.Frame) (p *fingerprint.Picture, err error) {
	if w.rows == nil {
		m, err := w.whole()
		if err != nil {
			return nil, err
		}
		return m.reduce(src, frame)
	}

	err = w.rows(func(r rows) (err error) {
		p, err = fingerprint.NewRows(frame, src.rows(r.next))
		return err
	})
	return p, err
}
