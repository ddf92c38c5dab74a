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

// all is Metadata.Tags. Of a block with more than fits, the tags that come last
// by name are left out.
func (t tags) all() map[string]any {
	c := &collector{order: binary.BigEndian, values: map[string]any{}}
	if t.x.Tiff.Order == binary.ByteOrder(binary.LittleEndian) {
		c.order = binary.LittleEndian
	}
	_ = t.x.Walk(c) // it returns what Walk below does, nil
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

// Walk takes over one tag.
func (c *collector) Walk(name goexif.FieldName, tag *tiff.Tag) error {
	switch name {
	case goexif.ExifIFDPointer, goexif.GPSInfoIFDPointer, goexif.InteroperabilityIFDPointer:
		return nil // places in the guard's block mean nothing
	}
	if v := c.value(string(name), tag); v != nil {
		c.values[string(name)] = v
	}
	return nil
}

// value is a tag's value as JSON knows it, nil when there is nothing to show.
func (c *collector) value(name string, tag *tiff.Tag) any {
	switch tag.Format() {
	case tiff.StringVal:
		return text(clean(tag.Val))
	case tiff.UndefVal:
		return c.undefined(name, tag.Val)
	case tiff.IntVal:
		if strings.HasPrefix(name, "XP") {
			return text(wide(tag.Val, binary.LittleEndian))
		}
	}
	return numbers(tag)
}

// text is s, or nil when it is empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// undefined shows bytes of no type: as text where they are that, otherwise as
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
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// numbers is one number or a list of them, in which nil stands for n/0.
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
	switch {
	case !known:
		return nil
	case len(list) == 1:
		return list[0]
	}
	return list
}
