package heif

import (
	"encoding/binary"
	"image"
	"math"

	"inlet/imaging/isobmff"
)

var libavif = library{"libavif", libavifModule, (*sandbox).libavif}

// libavif decodes AV1. The library does not rotate or mirror the picture.
func (s *sandbox) libavif(f *file, limits Limits) (Image, error) {
	in, _, err := s.load(f)
	if err != nil {
		return Image{}, err
	}
	out, err := s.alloc(8 + 4*4)
	if err != nil {
		return Image{}, err
	}
	duration, numbers := out, out+8 // seconds; width, height, bits a sample, frames
	ask := func(pixels uint32) error {
		const firstFrame = 0
		return s.ask(f, pixels, in, firstFrame, numbers, numbers+4, numbers+8, numbers+12, duration)
	}
	if err := ask(0); err != nil {
		return Image{}, err
	}

	w, h := s.number(numbers, 0), s.number(numbers, 1)
	if err := limits.fit(w, h); err != nil {
		return Image{}, err
	}
	bytesPerPixel := int64(4)
	if s.number(numbers, 2) > 8 {
		bytesPerPixel = 8
	}

	// The library reports no damage in the coded picture, but then it writes no
	// duration either.
	s.module.Memory().WriteFloat64Le(duration, math.NaN())
	pixels, err := s.pixels(bytesPerPixel*int64(w)*int64(h), ask)
	if err != nil {
		return Image{}, err
	}
	if t, ok := s.module.Memory().ReadFloat64Le(duration); !ok || math.IsNaN(t) {
		return Image{}, undecodable("libaom refuses it")
	}

	m := image.NewRGBA(image.Rect(0, 0, w, h))
	if bytesPerPixel == 4 {
		copy(m.Pix, pixels)
	} else {
		for i := range m.Pix {
			m.Pix[i] = uint8(binary.LittleEndian.Uint16(pixels[2*i:]) >> 8)
		}
	}

	return Image{Image: m, Orientation: orientation(f.header)}, nil
}

// orientation is the EXIF orientation that equals what the boxes ask for: first a
// rotation counter-clockwise, then a mirror.
func orientation(h isobmff.Header) int {
	return map[isobmff.Mirror][4]int{
		isobmff.MirrorNone:      {1, 8, 3, 6},
		isobmff.MirrorTopBottom: {4, 5, 2, 7},
		isobmff.MirrorLeftRight: {2, 7, 4, 5},
	}[h.Mirror][h.Rotation/90]
}
