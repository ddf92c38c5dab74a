package exif

import (
	"math"
	"strconv"
	"strings"

	goexif "github.com/rwcarlsen/goexif/exif"
	"github.com/rwcarlsen/goexif/tiff"
)

// maxText bounds the texts that have a field of their own, in runes.
const maxText = 256

// tags returns typed values of the parsed tags. Cameras differ, so it accepts a value
// of another type if that can mean only one thing.
type tags struct{ x *goexif.Exif }

func (t tags) get(name goexif.FieldName) *tiff.Tag {
	tag, err := t.x.Get(name)
	if err != nil {
		return nil
	}
	return tag
}

func (t tags) text(name goexif.FieldName) string {
	tag := t.get(name)
	if tag == nil || tag.Format() != tiff.StringVal && tag.Format() != tiff.UndefVal {
		return ""
	}
	return shorten(oneLine(clean(tag.Val)), maxText)
}

// number is the i-th value of a tag, if it is a finite number.
func number(tag *tiff.Tag, i int) (float64, bool) {
	if tag == nil || i >= int(tag.Count) {
		return 0, false
	}

	v, err := math.NaN(), error(nil)
	switch tag.Format() {
	case tiff.IntVal:
		var n int64
		n, err = tag.Int64(i)
		v = float64(n)
	case tiff.RatVal:
		var n, d int64
		n, d, err = tag.Rat2(i)
		v = float64(n) / float64(d)
	case tiff.FloatVal:
		v, err = tag.Float(i)
	case tiff.StringVal:
		if i == 0 {
			v, err = strconv.ParseFloat(strings.TrimSpace(string(cut(tag.Val))), 64)
		}
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}

	return v, true
}

// measure is a number that cannot be negative.
func (t tags) measure(name goexif.FieldName) *float64 {
	v, ok := number(t.get(name), 0)
	if !ok || v < 0 || v > 1e9 {
		return nil
	}
	return &v
}

// iso is the sensitivity. The old tag has 16 bits: cameras write 65535 there for a
// larger number, and the number itself into another tag.
func (t tags) iso() *int {
	const most = 1 << 30
	v := t.measure(goexif.ISOSpeedRatings)
	if v == nil || *v > most {
		return nil
	}

	if index := t.measure("RecommendedExposureIndex"); *v == math.MaxUint16 && index != nil && *index > *v && *index <= most {
		v = index
	}
	n := int(*v)

	return &n
}

func (t tags) orientation() int {
	v, ok := number(t.get(goexif.Orientation), 0)
	if !ok || v < 1 || v > 8 || v != math.Trunc(v) {
		return 0
	}
	return int(v)
}

// location is where the picture was taken. It is unknown without a hemisphere, out of
// range, and at exactly 0, 0, which a receiver without a fix writes: the last two are
// suspect. So is a value that is no number, but for 0/0, which means none.
func (t tags) location() (_ *Location, suspect bool) {
	lat, ok1 := t.degrees(goexif.GPSLatitude, goexif.GPSLatitudeRef, "N", "S", 90)
	lon, ok2 := t.degrees(goexif.GPSLongitude, goexif.GPSLongitudeRef, "E", "W", 180)
	if !ok1 || !ok2 || lat == 0 && lon == 0 {
		return nil, t.given(goexif.GPSLatitude, goexif.GPSLatitudeRef) && t.given(goexif.GPSLongitude, goexif.GPSLongitudeRef)
	}

	l := &Location{Latitude: lat, Longitude: lon}
	if v, ok := number(t.get(goexif.GPSAltitude), 0); ok && math.Abs(v) < 1e7 {
		if below, ok := number(t.get(goexif.GPSAltitudeRef), 0); ok && below == 1 {
			v = -v
		}
		l.Altitude = &v
	}

	return l, false
}

// given says that a coordinate is there: a hemisphere, and a tag that does not begin
// with 0/0.
func (t tags) given(name, ref goexif.FieldName) bool {
	tag := t.get(name)
	return tag != nil && tag.Count > 0 && !absent(tag, 0) && t.text(ref) != ""
}

// degrees is one coordinate, written as degrees, minutes and seconds. The last two may
// be missing, or 0/0, which means the same.
func (t tags) degrees(name, ref goexif.FieldName, plus, minus string, most float64) (float64, bool) {
	tag := t.get(name)
	v, ok := number(tag, 0)
	if !ok {
		return 0, false
	}

	for i, unit := range []float64{60, 3600} {
		part, ok := number(tag, i+1)
		if !ok && !absent(tag, i+1) {
			return 0, false
		}
		v += part / unit
	}

	switch hemisphere := strings.ToUpper(t.text(ref)); {
	case strings.HasPrefix(hemisphere, minus):
		v = -v
	case !strings.HasPrefix(hemisphere, plus):
		return 0, false
	}

	return v, math.Abs(v) <= most
}

// absent reports that a tag has no i-th value, or 0/0. A text is one value.
func absent(tag *tiff.Tag, i int) bool {
	if i >= int(tag.Count) || tag.Format() == tiff.StringVal {
		return i > 0 || len(cut(tag.Val)) == 0
	}
	n, d, err := tag.Rat2(i)
	return err == nil && n == 0 && d == 0
}
