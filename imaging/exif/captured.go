package exif

import (
	"strings"
	"time"

	goexif "github.com/rwcarlsen/goexif/exif"
)

// captured is Metadata.CapturedAt and CapturedAtOffset.
func (t tags) captured() (time.Time, string) {
	at, ok := parseTime(t.text(goexif.DateTimeOriginal))
	if !ok {
		return time.Time{}, ""
	}

	offset := t.text("OffsetTimeOriginal")
	east, ok := parseOffset(offset)
	if !ok {
		return at, ""
	}
	if at = at.Add(-east); !plausible(at) {
		return time.Time{}, ""
	}

	return at, offset
}

// parseTime reads the camera's clock. The first layout is that of the standard;
// parseTime ignores a fraction or an offset behind it. A clock that was never set
// writes zeros or blanks, which are no date.
func parseTime(s string) (time.Time, bool) {
	if len(s) > len(time.DateTime) {
		s = s[:len(time.DateTime)]
	}
	for _, layout := range []string{
		"2006:01:02 15:04:05", time.DateTime, "2006/01/02 15:04:05", "2006-01-02T15:04:05",
		"2006:01:02 15:04", "2006:01:02",
	} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, plausible(at)
		}
	}

	return time.Time{}, false
}

// plausible accepts the years that JSON and Postgres can write.
func plausible(at time.Time) bool { return at.Year() >= 1 && at.Year() <= 9999 }

// parseOffset reads "+02:00".
func parseOffset(s string) (east time.Duration, ok bool) {
	at, err := time.Parse("-07:00", s)
	if err != nil || strings.Contains(s, "Z") {
		return 0, false
	}
	_, seconds := at.Zone()
	east = time.Duration(seconds) * time.Second
	return east, east.Abs() <= 15*time.Hour
}
