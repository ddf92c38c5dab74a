package imaging

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"inlet/imaging/exif"
	"inlet/imaging/quality"
)

// TestInspectMeasures: what is decoded has numbers and a kind, and what is not has
// neither.
func TestInspectMeasures(t *testing.T) {
	t.Parallel()
	in := NewInspector(100_000_000, 256<<20)
	for _, s := range samples(t) {
		info, err := in.Inspect(t.Context(), bytes.NewReader(s.data), int64(len(s.data)), s.format)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		q := info.Quality
		if compared := info.Fingerprint != nil; compared && !q.Measured || q.Measured != (q.Kind != "") {
			t.Errorf("%s: %+v", s.name, q)
		}
		if small := info.Width*info.Height < 224*224; small != slices.Contains(q.Flags, quality.Small) {
			t.Errorf("%s: %d×%d with %q", s.name, info.Width, info.Height, q.Flags)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	i := Info{Meta: exif.Metadata{CapturedAt: now.AddDate(1, 0, 0), PlaceSuspect: true}, Quality: Quality{Flags: []string{quality.Small}}}
	i.Clean(now)
	i.Clean(now)
	if want := []string{quality.Small, quality.TimeSuspect, quality.PlaceSuspect}; !slices.Equal(i.Quality.Flags, want) {
		t.Errorf("flags %q, want %q", i.Quality.Flags, want)
	}
	if !i.Meta.CapturedAt.IsZero() {
		t.Errorf("captured at %v", i.Meta.CapturedAt)
	}
}
