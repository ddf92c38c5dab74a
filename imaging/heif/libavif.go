package heif

import (
	"encoding/binary"
	"image"
	"math"

	"inlet/imaging/isobmff"
)

var libavif = library{"libavif", &libavifModule, (*sandbox).libavif}

// libavif decodes AV1. The library leaves the picture as it is coded.
func (s *sandbox) libavif(f *file, limits Limits) (Image, error) {
	in, _, err := s.load(f)
	if err != nil {
		return Image{}, err
	}
	out, err := s.alloc(8 + 4*4)
	if err != nil {
		return Image{}, err
	}
	shown, numbers := out, out+8
	ask := func(onlySize uint64, pixels uint32) error {
		n := uint64(numbers)
		ok, err := s.call("decode", uint64(in), uint64(f.size), onlySize, 0, n, n+4, n+8, n+12, uint64(shown), uint64(pixels))
		if err == nil && ok == 0 {
			err = undecodable("libavif refuses it")
		}
		return err
	}
	if err := ask(1, 0); err != nil {
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
	size := bytesPerPixel * int64(w) * int64(h)
	at, err := s.alloc(size)
	if err != nil {
		return Image{}, err
	}
	// It does not say when the picture itself is damaged. Then it does not say
	// either for how long it is shown.
	s.module.Memory().WriteFloat64Le(shown, math.NaN())
	if err := ask(0, at); err != nil {
		return Image{}, err
	}
	if t, ok := s.module.Memory().ReadFloat64Le(shown); !ok || math.IsNaN(t) {
		return Image{}, undecodable("libaom refuses it")
	}
	pixels, err := s.bytes(at, size)
	if err != nil {
		return Image{}, err
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

// orientation is that of EXIF which does what the boxes say: first a rotation
// counter-clockwise, then a mirror.
func orientation(h isobmff.Header) int {
	turns := h.Rotation / 90
	return map[isobmff.Mirror][4]int{
		isobmff.MirrorNone:      {1, 8, 3, 6},
		isobmff.MirrorTopBottom: {4, 5, 2, 7},
		isobmff.MirrorLeftRight: {2, 7, 4, 5},
	}[h.Mirror][turns]
}
