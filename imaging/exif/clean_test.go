package exif

import (
	"testing"
	"time"
)

func TestClean(t *testing.T) {
	t.Parallel()
	uploaded := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for captured, want := range map[string]struct {
		offset  string
		suspect bool
	}{
		"2026-03-10T11:00:00Z": {"", false},
		"2026-03-11T11:59:59Z": {"+14:00", false},
		"2026-03-11T12:00:01Z": {"", true},
		"2107-01-01T00:00:00Z": {"", true},
		"1825-12-31T23:59:59Z": {"", true},
		"1826-06-01T00:00:00Z": {"", false},
		"1904-01-01T09:30:00Z": {"", true},
		"1970-01-01T00:00:00Z": {"", true},
		"1970-01-01T17:20:00Z": {"", true},
		"1969-12-31T23:00:00Z": {"+01:00", true},
		"1970-01-02T00:00:00Z": {"", false},
		"1980-01-01T00:00:00Z": {"", true},
		"2000-01-01T00:00:00Z": {"", true},
		"1999-12-31T22:00:00Z": {"+02:00", true},
		"2000-01-01T00:00:01Z": {"", false}, // people took pictures that night
		"2002-01-01T00:00:00Z": {"", false},
	} {
		at, err := time.Parse(time.RFC3339, captured)
		if err != nil {
			t.Fatal(err)
		}
		m := Metadata{CapturedAt: at, CapturedAtOffset: want.offset}
		m.Clean(uploaded)
		if m.TimeSuspect != want.suspect || m.CapturedAt.IsZero() != want.suspect || want.suspect && m.CapturedAtOffset != "" {
			t.Errorf("%s%s: %+v", captured, want.offset, m)
		}
	}

	none := Metadata{}
	if none.Clean(uploaded); none.TimeSuspect {
		t.Error("a file without a time is suspect")
	}
}
