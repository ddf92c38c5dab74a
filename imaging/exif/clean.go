package exif

import (
	"slices"
	"time"
)

// Clean removes what cannot be true of a picture that came in at a time: a capture
// more than a day later, before photography, or at the moment from which a clock
// that was never set counts. It sets TimeSuspect then. Tags keep the value as
// written.
func (m *Metadata) Clean(uploaded time.Time) {
	if m.CapturedAt.IsZero() {
		return
	}
	local := m.CapturedAt
	if east, ok := parseOffset(m.CapturedAtOffset); ok {
		local = local.Add(east)
	}

	if m.CapturedAt.After(uploaded.Add(ahead)) || local.Year() < firstPhoto || neverSet(local) {
		m.CapturedAt, m.CapturedAtOffset, m.TimeSuspect = time.Time{}, "", true
	}
}

const (
	// ahead is more than any two clocks on Earth differ that are set right.
	ahead = 24 * time.Hour
	// firstPhoto is the year of Niépce's view from the window.
	firstPhoto = 1826
)

// neverSet says that a camera's clock shows where it begins. Operating systems count
// from 1904 (classic Mac OS), 1970 (Unix) and 1980 (DOS), before any camera wrote
// metadata: the whole day is an epoch's, and the evening before, west of Greenwich.
// Cameras begin on New Year's Day of other years: only the first second counts.
func neverSet(local time.Time) bool {
	day := local.Format(time.DateOnly)
	if slices.Contains([]string{"1904-01-01", "1969-12-31", "1970-01-01", "1980-01-01"}, day) {
		return true
	}

	begins := slices.Contains([]int{1900, 1901, 1990, 1995, 2000, 2001}, local.Year())
	return begins && local.YearDay() == 1 && local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0
}
