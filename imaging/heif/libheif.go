package heif

import (
	"bytes"
	"image"
)

var libheif = library{"libheif", &libheifModule, (*sandbox).libheif}

// What libheif calls the kinds of pixels.
const (
	heifYCbCr = 0
	heifRGB   = 1
	heifGrey  = 2
)

// The names of alpha channels in auxC.
var alphaNames = [][]byte{[]byte("urn:mpeg:hevc:2015:auxid:1\x00"), []byte("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\x00")}

// libheif decodes HEVC. The library turns the picture itself.
func (s *sandbox) libheif(f *file, limits Limits) (Image, error) {
	in, content, err := s.load(f)
	if err != nil {
		return Image{}, err
	}
	// It takes files by their first brand alone, and many begin with a general one.
	copy(content[8:12], "heic")
	narrow := limited(f, content)
	m := Image{Orientation: 1}
	for _, name := range alphaNames {
		m.Cut = m.Cut || bytes.Contains(content, name)
	}
	out, err := s.alloc(5 * 4)
	if err != nil {
		return Image{}, err
	}
	// Called without a place for pixels it tells their size and kind.
	ask := func(onlySize uint64, pixels uint32) error {
		o := uint64(out)
		ok, err := s.call("decode", uint64(in), uint64(f.size), onlySize, o, o+4, o+8, o+12, o+16, uint64(pixels))
		if err == nil && ok == 0 {
			err = undecodable("libheif refuses it")
		}
		return err
	}
	if err := ask(1, 0); err != nil {
		return Image{}, err
	}
	w, h := s.number(out, 0), s.number(out, 1)
	if err := limits.fit(w, h); err != nil {
		return Image{}, err
	}
	layout, err := layoutOf(w, h, s.number(out, 2), s.number(out, 3), s.number(out, 4) == 1)
	if err != nil {
		return Image{}, err
	}
	at, err := s.alloc(layout.size)
	if err != nil {
		return Image{}, err
	}
	if err := ask(0, at); err != nil {
		return Image{}, err
	}
	pixels, err := s.bytes(at, layout.size)
	if err != nil {
		return Image{}, err
	}
	m.Image = layout.image(bytes.Clone(pixels))
	if narrow {
		stretch(m.Image)
	}
	return m, nil
}

// layout is how the module lays out pixels, and the image that is made of them.
type layout struct {
	size  int64
	image func(pixels []byte) image.Image
}

// stride is the length of a row of n samples in libheif 1.18.
func stride(n, bytes int) int { return (max(64, n+n&1)*bytes + 15) &^ 15 }

func layoutOf(w, h, space, chroma int, premultiplied bool) (layout, error) {
	r := image.Rect(0, 0, w, h)
	switch space {
	case heifGrey:
		n := stride(w, 1)
		return layout{int64(n) * int64(h), func(p []byte) image.Image { return &image.Gray{Pix: p, Stride: n, Rect: r} }}, nil
	case heifRGB:
		n := stride(w, 4)
		return layout{int64(n) * int64(h), func(p []byte) image.Image {
			if premultiplied {
				return &image.RGBA{Pix: p, Stride: n, Rect: r}
			}
			return &image.NRGBA{Pix: p, Stride: n, Rect: r}
		}}, nil
	case heifYCbCr:
	default:
		return layout{}, undecodable("libheif gives colours of kind %d", space)
	}
	m := image.YCbCr{Rect: r, YStride: stride(w, 1)}
	down := h
	switch chroma {
	case 1:
		m.SubsampleRatio, m.CStride, down = image.YCbCrSubsampleRatio420, stride((w+1)/2, 1), (h+1)/2
	case 2:
		m.SubsampleRatio, m.CStride = image.YCbCrSubsampleRatio422, stride((w+1)/2, 1)
	case 3:
		m.SubsampleRatio, m.CStride = image.YCbCrSubsampleRatio444, m.YStride
	default:
		return layout{}, undecodable("libheif gives chroma of kind %d", chroma)
	}
	luma, part := int64(m.YStride)*int64(h), int64(m.CStride)*int64(down)
	return layout{luma + 2*part, func(p []byte) image.Image {
		m.Y, m.Cb, m.Cr = p[:luma:luma], p[luma:luma+part:luma+part], p[luma+part:]
		return &m
	}}, nil
}
