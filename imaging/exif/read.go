package exif

import (
	"bytes"
	"io"

	goexif "github.com/rwcarlsen/goexif/exif"
	"github.com/rwcarlsen/goexif/tiff"
)

// Read returns the metadata of a file of the given size in bytes. The formats are
// "jpeg", "png", "webp", "tiff", "heic" and "avif"; others have none.
func Read(r io.ReaderAt, size int64, format string) Metadata {
	for _, section := range locate(r, size, format) {
		if b, ok := guard(section); ok {
			return decode(b)
		}
	}
	return Metadata{}
}

// decode parses a block that the guard wrote; any other would be a risk with this
// parser. Tests show that it does not panic on these, but decode does not rely on it.
func decode(b block) (m Metadata) {
	defer func() {
		if recover() != nil {
			m = Metadata{}
		}
	}()

	x, err := goexif.Decode(bytes.NewReader(b.raw))
	if err != nil && (x == nil || goexif.IsCriticalError(err)) {
		return Metadata{}
	}

	more(x, b.ifd0, moreNames)
	more(x, b.exif, moreNames)
	more(x, b.gps, moreGPSNames)

	t := tags{x}
	m = Metadata{
		Make:         t.text(goexif.Make),
		Model:        t.text(goexif.Model),
		Lens:         t.text(goexif.LensModel),
		Software:     t.text(goexif.Software),
		ISO:          t.iso(),
		FNumber:      t.measure(goexif.FNumber),
		ExposureTime: t.measure(goexif.ExposureTime),
		FocalLength:  t.measure(goexif.FocalLength),
		Orientation:  t.orientation(),
		Tags:         t.all(),
	}
	m.CameraName = cameraName(m.Make, m.Model)
	m.Location, m.PlaceSuspect = t.location()
	m.CapturedAt, m.CapturedAtOffset = t.captured()

	return m
}

// more loads the tags of a directory that the parser has no names for.
func more(x *goexif.Exif, dir int64, names map[uint16]goexif.FieldName) {
	if dir == 0 {
		return
	}

	r := bytes.NewReader(x.Raw)
	if _, err := r.Seek(dir, io.SeekStart); err != nil {
		return
	}
	if d, _, err := tiff.DecodeDir(r, x.Tiff.Order); err == nil {
		x.LoadTags(d, names, false)
	}
}
