package catalog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/imaging"
	"inlet/imaging/exif"
	"inlet/imaging/quality"
)

// SetQuality fills what is missing, once, and keeps the flags that are there.
func TestSetQuality(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.addRow("old", row{"flags": []string{"time-suspect", "small"}})
	unknown := h.addRow("unknown", nil)
	first := imaging.Quality{
		Measured: true, Sharpness: 0.123456, Exposure: 0.5, Contrast: 0.25, Clipped: 0, Colourfulness: 0.4, Flat: 0.7,
		Kind: quality.Photo, Flags: []string{quality.Blurry, quality.Small},
	}
	must(t, h.SetQuality(t.Context(), id, first))
	must(t, h.SetQuality(t.Context(), id, imaging.Quality{Measured: true, Kind: quality.Graphic, Flags: []string{quality.Dark}}))
	must(t, h.SetQuality(t.Context(), unknown, imaging.Quality{Flags: []string{quality.Small}}))
	must(t, h.SetQuality(t.Context(), unknown, imaging.Quality{Flags: []string{quality.Small}}))
	must(t, h.SetQuality(t.Context(), uuid.New(), first)) // deleted meanwhile

	for id, want := range map[uuid.UUID]string{
		id:      `{"sharpness":0.1235,"exposure":0.5,"contrast":0.25,"clipped":0,"kind":"photo","flags":["time-suspect","small","blurry"]}`,
		unknown: `{"sharpness":null,"exposure":null,"contrast":null,"clipped":null,"kind":null,"flags":["small"]}`,
	} {
		doc, err := h.Metadata(t.Context(), id)
		must(t, err)
		got, err := json.Marshal(doc.Quality)
		must(t, err)
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if r := h.columns("images", "id = $1", id); r["colourfulness"] != "0.4" || r["flat"] != "0.7" {
		t.Errorf("colourfulness %s, flat %s", r["colourfulness"], r["flat"])
	}
}

// A copy that knows when and where takes the flags away, even if it has no tag that
// the stored picture lacks.
func TestEnrichEndsSuspicion(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	tags := map[string]any{"DateTimeOriginal": "1970:01:01 00:00:00"}
	id := h.addRow("a", row{"flags": []string{"small", "time-suspect", "place-suspect"}, "exif": tags})
	for _, step := range []struct {
		meta exif.Metadata
		want string
	}{
		{exif.Metadata{Make: "Canon", TimeSuspect: true, Tags: tags}, `["small","time-suspect","place-suspect"]`},
		{exif.Metadata{CapturedAt: noon.Add(-time.Hour), Tags: tags}, `["small","place-suspect"]`},
		{exif.Metadata{CapturedAt: noon.Add(-2 * time.Hour), Tags: tags}, `["small","place-suspect"]`},
		{exif.Metadata{Location: &exif.Location{Latitude: 46, Longitude: 6}, Tags: tags}, `["small"]`},
	} {
		must(t, pgx.BeginFunc(t.Context(), h.Pool, func(tx pgx.Tx) error {
			_, err := h.Enrich(t.Context(), tx, id, imaging.Info{Meta: step.meta}, catalog.MatchPayload)
			return err
		}))
		doc, err := h.Metadata(t.Context(), id)
		must(t, err)
		if got, _ := json.Marshal(doc.Quality.Flags); string(got) != step.want {
			t.Errorf("%+v leaves %s, want %s", step.meta, got, step.want)
		}
	}
	doc, err := h.Metadata(t.Context(), id)
	must(t, err)
	if doc.CapturedAt == nil || !doc.CapturedAt.Equal(noon.Add(-time.Hour)) || doc.Location == nil {
		t.Errorf("captured at %v in %v", doc.CapturedAt, doc.Location)
	}
}
