package heif

import (
	"bytes"
	"image"
)

var libheif = library{"libheif", libheifModule, (*sandbox).libheif}

// libheif decodes HEVC. The library rotates and mirrors the picture itself.
func (s *sandbox) libheif(f *file, limits Limits) (Image, error) {
	in, content, err := s.load(f)
	if err != nil {
		return Image{}, err
	}
	// The library knows a file by its first brand alone, and many files begin with a
	// general one.
	copy(content[8:12], "heic")
	narrow := limited(f, content)
	m := Image{Orientation: 1}
	for _, name := range []string{"urn:mpeg:hevc:2015:auxid:1\x00", "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\x00"} {
		m.Cut = m.Cut || bytes.Contains(content, []byte(name)) // in auxC
	}

	out, err := s.alloc(5 * 4)
	if err != nil {
		return Image{}, err
	}
	ask := func(pixels uint32) error {
		return s.ask(f, pixels, in, out, out+4, out+8, out+12, out+16)
	}
	if err := ask(0); err != nil {
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
	pixels, err := s.pixels(layout.size, ask)
	if err != nil {
		return Image{}, err
	}

	m.Image = layout.image(bytes.Clone(pixels))
	if narrow {
		stretch(m.Image)
	}

	return m, nil
}

// layout is how the module lays out pixels, in bytes, and how they become an image.
type layout struct {
	size  int64
	image func(pixels []byte) image.Image
}

// stride is the bytes of a row of n samples in libheif 1.18.
func stride(n, bytesPerSample int) int { return (max(64, n+n&1)*bytesPerSample + 15) &^ 15 }

func layoutOf(w, h, space, chroma int, premultiplied bool) (layout, error) {
	const ycbcr, rgb, grey = 0, 1, 2 // heif_colorspace
	r := image.Rect(0, 0, w, h)
	switch space {
	case grey:
		n := stride(w, 1)
		return layout{int64(n) * int64(h), func(p []byte) image.Image { return &image.Gray{Pix: p, Stride: n, Rect: r} }}, nil
	case rgb:
		n := stride(w, 4)
		return layout{int64(n) * int64(h), func(p []byte) image.Image {
			if premultiplied {
				return &image.RGBA{Pix: p, Stride: n, Rect: r}
			}
			return &image.NRGBA{Pix: p, Stride: n, Rect: r}
		}}, nil
	case ycbcr:
	default:
		return layout{}, undecodable("libheif gives colours of kind %d", space)
	}

	m := image.YCbCr{Rect: r, YStride: stride(w, 1)}
	rows := h // of chroma
	switch chroma {
	case 1:
		m.SubsampleRatio, m.CStride, rows = image.YCbCrSubsampleRatio420, stride((w+1)/2, 1), (h+1)/2
	case 2:
		m.SubsampleRatio, m.CStride = image.YCbCrSubsampleRatio422, stride((w+1)/2, 1)
	case 3:
		m.SubsampleRatio, m.CStride = image.YCbCrSubsampleRatio444, m.YStride
	default:
		return layout{}, undecodable("libheif gives chroma of kind %d", chroma)
	}

	luma, part := int64(m.YStride)*int64(h), int64(m.CStride)*int64(rows)
	return layout{luma + 2*part, func(p []byte) image.Image {
		m.Y, m.Cb, m.Cr = p[:luma:luma], p[luma:luma+part:luma+part], p[luma+part:]
		return &m
	}}, nil
}
