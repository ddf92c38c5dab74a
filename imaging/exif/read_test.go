package exif

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func read(b []byte, format string) Metadata { return Read(bytes.NewReader(b), int64(len(b)), format) }

func TestPhoto(t *testing.T) {
	t.Parallel()
	altitude := -12.5
	want := Metadata{
		CameraName: "Nikon D70", Make: "NIKON CORPORATION", Model: "NIKON D70", Lens: "AF-S 50mm", Software: "Ver.1.00",
		CapturedAt: time.Date(2024, 3, 1, 4, 30, 0, 0, time.UTC), CapturedAtOffset: "-05:00",
		Location: &Location{Latitude: -(33 + 30./60 + 36./3600), Longitude: -70, Altitude: &altitude},
		ISO:      new(200), FNumber: new(2.8), ExposureTime: new(0.004), FocalLength: new(50.), Orientation: 6,
		Tags: map[string]any{
			"Make": "NIKON CORPORATION", "Model": "NIKON D70", "Software": "Ver.1.00", "Orientation": int64(6),
			"ImageDescription": "Grüße", "ExposureTime": 0.004, "FNumber": 2.8, "ISOSpeedRatings": int64(200),
			"FocalLength": 50., "DateTimeOriginal": "2024:02:29 23:30:00", "OffsetTimeOriginal": "-05:00",
			"LensModel": "AF-S 50mm", "ExifVersion": "0230", "UserComment": "hello",
			"LensSpecification": []any{18., 55., nil, nil}, "GPSLatitudeRef": "S", "GPSLatitude": []any{33., 30., 36.},
			"GPSLongitudeRef": "W", "GPSLongitude": []any{70., 0., nil}, "GPSAltitudeRef": int64(1),
			"GPSAltitude": 12.5, "GPSHPositioningError": 5., "InteroperabilityIndex": "R98",
		},
	}
	if got := read(photo().tiff(), "tiff"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if got := read(photo().tiff(), "gif"); !reflect.DeepEqual(got, Metadata{}) {
		t.Errorf("a format without metadata: %+v", got)
	}
}

// TestFields reads single tags, as cameras write them and as nobody should.
func TestFields(t *testing.T) {
	t.Parallel()
	in := func(tags ...tag) Metadata { return read(dirs{exif: tags}.tiff(), "tiff") }
	date := func(s, offset string) Metadata { return in(ascii(0x9003, s), ascii(0x9011, offset)) }
	day := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	tests := []struct {
		name      string
		got, want any
	}{
		{"orientation 0", in(short(0x112, 0)).Orientation, 0},
		{"orientation 8", in(short(0x112, 8)).Orientation, 8},
		{"orientation 9", in(short(0x112, 9)).Orientation, 0},
		{"orientation as a long number", in(tag{id: 0x112, kind: 4, value: []byte{3, 0, 0, 0}}).Orientation, 3},
		{"orientation as text", in(ascii(0x112, "6 ")).Orientation, 6},
		{"orientation as other text", in(ascii(0x112, "top-left")).Orientation, 0},
		{"orientation not whole", in(rational(0x112, 3, 2)).Orientation, 0},
		{"two sensitivities", in(short(0x8827, 100, 0)).ISO, new(100)},
		{"sensitivity 0", in(short(0x8827, 0)).ISO, new(0)},
		{"no sensitivity", in().ISO, (*int)(nil)},
		{"high sensitivity", in(short(0x8827, 65535), tag{id: 0x8832, kind: 4, value: []byte{0, 0x90, 1, 0}}).ISO, new(102400)},
		{"impossible sensitivity", in(tag{id: 0x8827, kind: 4, value: []byte{255, 255, 255, 255}}).ISO, (*int)(nil)},
		{"aperture by 0", in(rational(0x829d, 28, 0)).FNumber, (*float64)(nil)},
		{"aperture below 0", in(tag{id: 0x829d, kind: 10, value: []byte{255, 255, 255, 255, 1, 0, 0, 0}}).FNumber, (*float64)(nil)},
		{"aperture as a number", in(tag{id: 0x829d, kind: 11, value: []byte{0, 0, 0x20, 0x41}}).FNumber, new(10.)},
		{"aperture that is none", in(tag{id: 0x829d, kind: 11, value: []byte{0, 0, 0xc0, 0x7f}}).FNumber, (*float64)(nil)},
		{"infinite exposure", in(tag{id: 0x829a, kind: 12, value: []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}}).ExposureTime, (*float64)(nil)},
		{"infinite exposure as text", in(ascii(0x829a, "Inf")).ExposureTime, (*float64)(nil)},
		{"undefined exposure", in(undefined(0x829a, "1234")).ExposureTime, (*float64)(nil)},
		{"date", date("2001:02:03 04:05:06", "").CapturedAt, day},
		{"date with a fraction", date("2001:02:03 04:05:06.789", "").CapturedAt, day},
		{"date with dashes", date("2001-02-03 04:05:06", "").CapturedAt, day},
		{"date without seconds", date("2001:02:03 04:05", "").CapturedAt, day.Add(-6 * time.Second)},
		{"zero date", date("0000:00:00 00:00:00", "").CapturedAt, time.Time{}},
		{"blank date", date("    :  :     :  :  ", "").CapturedAt, time.Time{}},
		{"date in a year without number", date("0000:01:01 00:00:00", "").CapturedAt, time.Time{}},
		{"date moved out of the calendar", date("9999:12:31 23:59:59", "-01:00").CapturedAt, time.Time{}},
		{"date with an offset", date("2001:02:03 04:05:06", "+01:30").CapturedAt, day.Add(-90 * time.Minute)},
		{"offset", date("2001:02:03 04:05:06", "+01:30").CapturedAtOffset, "+01:30"},
		{"offset without a date", date("", "+01:30").CapturedAtOffset, ""},
		{"blank offset", date("2001:02:03 04:05:06", "   :  ").CapturedAtOffset, ""},
		{"offset of days", date("2001:02:03 04:05:06", "+23:00").CapturedAtOffset, ""},
		{"make with rubbish behind it", in(tag{id: 0x10f, kind: 2, value: []byte("Sony\x00\xff\xfe")}).Make, "Sony"},
		{"make as undefined bytes", in(undefined(0x10f, "Sony\x00\x00")).Make, "Sony"},
		{"make as numbers", in(short(0x10f, 'S', 'o')).Make, ""},
		{"make with control characters", in(ascii(0x10f, "So\x1bny\x7f")).Make, "Sony"},
		{"make as written", in(ascii(0x10f, "So\x1bny\x7f")).Tags["Make"], "So\x1bny\x7f"},
		{"model on two lines", in(ascii(0x110, "EOS\r\n\t40D")).Model, "EOS 40D"},
		{"make too long", len(in(ascii(0x10f, strings.Repeat("x", 9000))).Make), maxText},
		{"title in UTF-16", in(tag{id: 0x9c9b, kind: 1, value: []byte("H\x00\xe9\x00\x00\x00x\x00")}).Tags["XPTitle"], "Hé"},
		{"comment in UTF-16", in(undefined(0x9286, "UNICODE\x00H\x00i\x00")).Tags["UserComment"], "Hi"},
		{"comment in JIS", in(undefined(0x9286, "JIS\x00\x00\x00\x00\x00abc")).Tags["UserComment"], nil},
		{"comment without a character set", in(undefined(0x9286, "hi")).Tags["UserComment"], "hi"},
		{"comment with another one", in(undefined(0x9286, "a longer comment")).Tags["UserComment"], "a longer comment"},
		{"undefined bytes", in(undefined(0x9101, "\x01\x02\x03\x00")).Tags["ComponentsConfiguration"], []any{int64(1), int64(2), int64(3), int64(0)}},
		{"an undefined byte", in(undefined(0xa300, "\x03")).Tags["FileSource"], int64(3)},
		{"many undefined bytes", in(undefined(0x8828, strings.Repeat("\x01", 99))).Tags["OECF"], nil},
		{"UTF-8 cut in a rune", in(tag{id: 0x10e, kind: 129, value: []byte("helloéé"), count: 8}).Tags["ImageDescription"], "helloé"},
	}
	for _, test := range tests {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: %v (%T), want %v", test.name, test.got, test.got, test.want)
		}
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	at := func(ref string, lat tag, more ...tag) *Location {
		return read(dirs{gps: append(more, ascii(1, ref), lat, ascii(3, "E"), rational(4, 10, 1))}.tiff(), "tiff").Location
	}
	if l := at("N", rational(2, 5000001, 100000)); l == nil || l.Latitude != 50.00001 || l.Longitude != 10 || l.Altitude != nil {
		t.Errorf("degrees alone: %+v", l)
	}
	if l := at("s", ascii(2, "50.5")); l == nil || l.Latitude != -50.5 {
		t.Errorf("degrees as text: %+v", l)
	}
	if l := at("N", rational(2, 1, 1), rational(6, 1, 0)); l == nil || l.Altitude != nil {
		t.Errorf("an altitude of 1/0: %+v", l)
	}
	for name, l := range map[string]*Location{
		"no hemisphere":    at("", rational(2, 50, 1)),
		"no degrees":       at("N", rational(2, 0, 0)),
		"minutes of 5/0":   at("N", rational(2, 50, 1, 5, 0)),
		"latitude too far": at("N", rational(2, 91, 1)),
		"longitude missing": read(dirs{gps: []tag{ascii(1, "N"), rational(2, 50, 1)}}.tiff(), "tiff").
			Location,
		"the middle of the Gulf of Guinea": read(dirs{gps: []tag{
			ascii(1, "N"), rational(2, 0, 1), ascii(3, "E"), rational(4, 0, 1),
		}}.tiff(), "tiff").Location,
	} {
		if l != nil {
			t.Errorf("%s: %+v", name, *l)
		}
	}
}

// TestPlaceSuspect tells a position that is nowhere from one that the file lacks.
func TestPlaceSuspect(t *testing.T) {
	t.Parallel()
	in := func(latRef string, lat tag, lonRef string, lon tag) Metadata {
		return read(dirs{gps: []tag{ascii(1, latRef), lat, ascii(3, lonRef), lon}}.tiff(), "tiff")
	}
	for name, test := range map[string]struct {
		m    Metadata
		want bool
	}{
		"somewhere":     {in("N", rational(2, 50, 1), "E", rational(4, 10, 1)), false},
		"0, 0":          {in("N", rational(2, 0, 1), "E", rational(4, 0, 1)), true},
		"0, 10":         {in("N", rational(2, 0, 1), "E", rational(4, 10, 1)), false},
		"91 degrees":    {in("N", rational(2, 91, 1), "E", rational(4, 10, 1)), true},
		"200 degrees":   {in("N", rational(2, 50, 1), "W", rational(4, 200, 1)), true},
		"5/0 degrees":   {in("N", rational(2, 5, 0), "E", rational(4, 10, 1)), true},
		"not a number":  {in("N", tag{id: 2, kind: 11, value: []byte{0, 0, 0xc0, 0x7f}}, "E", rational(4, 10, 1)), true},
		"as text":       {in("N", ascii(2, "NaN"), "E", rational(4, 10, 1)), true},
		"no fix":        {in("N", rational(2, 0, 0), "E", rational(4, 0, 0)), false},
		"no hemisphere": {in("", rational(2, 0, 1), "", rational(4, 0, 1)), false},
		"empty":         {in("N", ascii(2, ""), "E", ascii(4, "")), false},
		"no longitude":  {read(dirs{gps: []tag{ascii(1, "N"), rational(2, 91, 1)}}.tiff(), "tiff"), false},
	} {
		if test.m.PlaceSuspect != test.want || test.want && (test.m.Location != nil || test.m.Tags["GPSLongitude"] == nil) {
			t.Errorf("%s: %+v", name, test.m)
		}
	}
}

// TestTagsAreBounded reads a block with more text than Tags holds.
func TestTagsAreBounded(t *testing.T) {
	t.Parallel()
	var d dirs
	for id := range moreNames {
		d.exif = append(d.exif, ascii(id, strings.Repeat("\x01\"ü", 1<<10)))
	}
	m := read(d.tiff(), "tiff")
	check(t, m)
	if len(m.Tags) < 10 {
		t.Errorf("only %d tags are left", len(m.Tags))
	}
}

// check holds m to what the package promises of any.
func check(t *testing.T, m Metadata) {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatalf("%v: %+v", err, m)
	}
	if !utf8.Valid(b) || bytes.Contains(b, []byte(`\u0000`)) || bytes.Contains(b, []byte(`\ufffd`)) && !replaced(m) {
		t.Fatalf("text that cannot be stored: %s", b)
	}
	if tags, err := json.Marshal(m.Tags); err != nil || len(tags) > maxTags {
		t.Fatalf("%d bytes of tags, %v", len(tags), err)
	}
	for _, s := range []string{m.CameraName, m.Make, m.Model, m.Lens, m.Software} {
		if utf8.RuneCountInString(s) > maxText || strings.TrimSpace(s) != s {
			t.Fatalf("%q", s)
		}
	}
	for _, v := range []*float64{m.FNumber, m.ExposureTime, m.FocalLength} {
		if v != nil && !(*v >= 0 && *v <= math.MaxInt32) {
			t.Fatalf("a number of %v: %+v", *v, m)
		}
	}
	if m.ISO != nil && (*m.ISO < 0 || *m.ISO > math.MaxInt32) {
		t.Fatalf("a sensitivity of %d", *m.ISO)
	}
	if m.Orientation < 0 || m.Orientation > 8 || m.CapturedAt.Location() != time.UTC {
		t.Fatalf("%+v", m)
	}
	if l := m.Location; l != nil && (math.Abs(l.Latitude) > 90 || math.Abs(l.Longitude) > 180) {
		t.Fatalf("%+v", *l)
	}
}

// replaced tells whether U+FFFD stands in a text of m itself, rather than being
// what JSON made of bytes that are no text.
func replaced(m Metadata) bool {
	for _, v := range m.Tags {
		if s, ok := v.(string); ok && (strings.ContainsRune(s, utf8.RuneError) && utf8.ValidString(s)) {
			return true
		}
	}
	return false
}

type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("the disk is gone") }

func TestBrokenDisk(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"jpeg", "png", "webp", "tiff", "heic"} {
		if m := Read(brokenDisk{}, 1<<20, format); !reflect.DeepEqual(m, Metadata{}) {
			t.Errorf("%s: %+v", format, m)
		}
	}
	var _ io.ReaderAt = brokenDisk{}
}
