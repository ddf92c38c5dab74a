package exif

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	goexif "github.com/rwcarlsen/goexif/exif"
	"github.com/rwcarlsen/goexif/tiff"
)

// Bounds of Tags.
const (
	maxList = 64       // values of one tag
	maxTags = 64 << 10 // bytes of JSON
)

// all is Metadata.Tags. It leaves out the tags that are the last by name if not all
// of them fit.
func (t tags) all() map[string]any {
	c := &collector{order: binary.BigEndian, values: map[string]any{}}
	if t.x.Tiff.Order == binary.ByteOrder(binary.LittleEndian) {
		c.order = binary.LittleEndian
	}
	_ = t.x.Walk(c) // returns the error of Walk below: nil

	size := 0
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		b, err := json.Marshal(c.values[name])
		if size += len(name) + len(b) + len(`"":,`); err != nil || size > maxTags {
			delete(c.values, name)
		}
	}
	if len(c.values) == 0 {
		return nil
	}

	return c.values
}

// collector is the parser's Walker.
type collector struct {
	order  byteOrder
	values map[string]any
}

func (c *collector) Walk(name goexif.FieldName, tag *tiff.Tag) error {
	switch name {
	case goexif.ExifIFDPointer, goexif.GPSInfoIFDPointer, goexif.InteroperabilityIFDPointer:
		return nil // offsets in the guard's block
	}
	if v := c.value(string(name), tag); v != nil {
		c.values[string(name)] = v
	}

	return nil
}

// value is a tag's value for JSON, or nil.
func (c *collector) value(name string, tag *tiff.Tag) any {
	switch tag.Format() {
	case tiff.StringVal:
		return text(raw(tag.Val))
	case tiff.UndefVal:
		return c.undefined(name, tag.Val)
	case tiff.IntVal:
		if strings.HasPrefix(name, "XP") {
			return text(wide(tag.Val, binary.LittleEndian))
		}
	}

	return numbers(tag)
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// undefined shows bytes without a type: as text if they are ASCII, otherwise as
// numbers if they are few.
func (c *collector) undefined(name string, b []byte) any {
	switch name {
	case string(goexif.UserComment), string(goexif.GPSProcessingMethod), string(goexif.GPSAreaInformation):
		return text(comment(b, c.order))
	}

	isText := len(cut(b)) > 0
	for _, v := range cut(b) {
		isText = isText && v >= ' ' && v < 0x7f
	}
	if isText && len(strings.Trim(string(b[len(cut(b)):]), "\x00")) == 0 {
		return text(clean(b))
	}
	if len(b) > maxList {
		return nil
	}

	list := make([]any, len(b))
	for i, v := range b {
		list[i] = int64(v)
	}

	return single(list)
}

func single(list []any) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// numbers is one number or a list of them, with nil for n/0.
func numbers(tag *tiff.Tag) any {
	if tag.Count == 0 || tag.Count > maxList {
		return nil
	}

	list := make([]any, tag.Count)
	known := false
	for i := range list {
		v, ok := number(tag, i)
		if !ok {
			continue
		}
		known = true
		list[i] = v
		if tag.Format() == tiff.IntVal {
			list[i] = int64(v)
		}
	}
	if !known {
		return nil
	}

	return single(list)
}
