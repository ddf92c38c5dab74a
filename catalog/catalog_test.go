package catalog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/uuid"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/catalog"
	"inlet/imaging"
)

func TestGetAndOpen(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.add("picture", row{"format": "png"})
	img, err := h.Get(t.Context(), id)
	must(t, err)
	want := catalog.Image{ID: id, SHA256: sha256.Sum256([]byte("picture")), Format: imaging.PNG, Bytes: 7, UploadedAt: noon}
	if img != want {
		t.Errorf("Get = %+v, want %+v", img, want)
	}
	b, err := h.Open(t.Context(), img)
	must(t, err)
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || string(got) != "picture" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := h.Get(t.Context(), uuid.New()); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("Get of an unknown id: %v", err)
	}

	// A lost blob is the service's failure, that of a deleted image is not.
	must(t, h.Blobs.Delete(t.Context(), keyOf("picture")))
	if _, err := h.Open(t.Context(), img); !errors.Is(err, blob.ErrNotFound) || errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("Open of a lost blob: %v", err)
	}
	must(t, h.Delete(t.Context(), id))
	if _, err := h.Open(t.Context(), img); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("Open of a deleted image: %v", err)
	}
}

func TestVariantFails(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.add("picture", nil)
	img, err := h.Get(t.Context(), id)
	must(t, err)
	for _, want := range []error{imaging.ErrNotReady, imaging.ErrUndecodable} {
		h.thumbs.make = func() ([]byte, error) { return nil, fmt.Errorf("%w: because", want) }
		if _, err := h.Variant(t.Context(), img, 160); !errors.Is(err, want) {
			t.Errorf("err = %v, want %v", err, want)
		}
	}
	h.thumbs.make = func() ([]byte, error) { panic("index out of range") }
	if _, err := h.Variant(t.Context(), img, 160); err == nil {
		t.Error("a panic of the decoder was not reported")
	}
	// The image is deleted while its variant is made.
	h.thumbs.make = func() ([]byte, error) { return []byte("small"), h.Delete(t.Context(), id) }
	if _, err := h.Variant(t.Context(), img, 160); err != nil && !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("deleted meanwhile: %v", err)
	}
	if _, err := h.Variant(t.Context(), img, 320); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("deleted before: %v", err)
	}
	// What that race leaves is swept.
	_, err = h.Vault.Sweep(t.Context(), time.Now().Add(time.Hour))
	must(t, err)
	if ok, err := h.Blobs.Exists(t.Context(), blob.VariantKey(keyOf("picture"), 160)); ok || err != nil {
		t.Errorf("a variant of a deleted image is left: %v", err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	full := h.add("full", row{
		"camera": "Canon EOS 40D", "make": "Canon", "model": "Canon EOS 40D", "lens": "EF 50", "software": "GIMP",
		"captured_at": noon.Add(-time.Hour), "captured_at_offset": "+02:00",
		"latitude": 46.5, "longitude": 6.25, "altitude": 400.5, "iso": 100, "f_number": 2.8, "exposure_time": 0.004,
		"focal_length": 50.0, "orientation": 6, "exif": map[string]any{"Make": "Canon", "ISO": 100},
	})
	h.duplicate(full, "b", noon.Add(time.Hour), 4)
	_, err := h.SetLabels(t.Context(), full, []string{"b", "a"})
	must(t, err)
	odd := h.add("odd", row{"latitude": "NaN", "longitude": 1.0, "f_number": "Infinity", "altitude": "-Infinity"})
	bare := h.add("bare", nil)

	tests := map[string]struct {
		id   uuid.UUID
		want string
	}{
		"full": {full, fmt.Sprintf(`{"id":"%s","sha256":"%x","format":"jpeg","width":40,"height":30,"bytes":4,
			"uploaded_at":"2026-03-10T12:00:00Z","uploads":2,
			"camera":{"name":"Canon EOS 40D","make":"Canon","model":"Canon EOS 40D","lens":"EF 50"},
			"captured_at":"2026-03-10T11:00:00Z","captured_at_offset":"+02:00",
			"location":{"latitude":46.5,"longitude":6.25,"altitude":400.5},
			"exposure":{"iso":100,"f_number":2.8,"time_s":0.004,"focal_mm":50},
			"orientation":6,"software":"GIMP","exif":{"Make":"Canon","ISO":100},
			"phash":null,"near":[],"quality":{"sharpness":null,"exposure":null,"contrast":null,"clipped":null,"kind":null,"flags":[]},"labels":["a","b"],"predictions":[]}`, full, sha256.Sum256([]byte("full")))},
		"bare": {bare, nothingKnown(bare, "bare")},
		"odd":  {odd, nothingKnown(odd, "odd")},
	}
	for name, test := range tests {
		doc, err := h.Metadata(t.Context(), test.id)
		must(t, err)
		got, err := json.Marshal(doc)
		must(t, err)
		if !sameJSON(t, got, []byte(test.want)) {
			t.Errorf("%s: %s\nwant %s", name, got, test.want)
		}
	}
	if _, err := h.Metadata(t.Context(), uuid.New()); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
}

func nothingKnown(id uuid.UUID, content string) string {
	return fmt.Sprintf(`{"id":"%s","sha256":"%x","format":"jpeg","width":40,"height":30,"bytes":%d,
		"uploaded_at":"2026-03-10T12:00:00Z","uploads":1,"camera":{"name":null,"make":null,"model":null,"lens":null},
		"captured_at":null,"captured_at_offset":null,"location":null,
		"exposure":{"iso":null,"f_number":null,"time_s":null,"focal_mm":null},"orientation":null,"software":null,"exif":{},
		"phash":null,"near":[],"quality":{"sharpness":null,"exposure":null,"contrast":null,"clipped":null,"kind":null,"flags":[]},"labels":[],"predictions":[]}`, id, sha256.Sum256([]byte(content)), len(content))
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	must(t, json.Unmarshal(a, &x))
	must(t, json.Unmarshal(b, &y))
	ja, _ := json.Marshal(x)
	jb, _ := json.Marshal(y)
	return bytes.Equal(ja, jb)
}

// A database that is away is reported as such by everything.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.Pool.Close()
	id, ctx := uuid.New(), t.Context()
	_, getErr := h.Get(ctx, id)
	_, metadataErr := h.Metadata(ctx, id)
	_, _, listErr := h.List(ctx, catalog.Filter{}, 10, "")
	_, setErr := h.SetLabels(ctx, id, []string{"a"})
	_, labelsErr := h.Labels(ctx)
	_, importErr := h.ImportLabels(ctx, bytes.NewBufferString(id.String()+",cat\n"))
	_, eraseErr := h.EraseLink(ctx, "a")
	blobtest.Keep(t, h.Blobs, []byte("precious"))
	_, sweepErr := h.Vault.Sweep(ctx, time.Now().Add(time.Hour))
	for op, err := range map[string]error{
		"Get": getErr, "Metadata": metadataErr, "List": listErr, "SetLabels": setErr, "Labels": labelsErr,
		"ImportLabels": importErr, "EraseLink": eraseErr, "SweepOrphans": sweepErr, "Delete": h.Delete(ctx, id),
		"RemoveOrphan": h.Vault.Remove(ctx, [32]byte{}),
		"Stream":       h.Stream(ctx, catalog.Filter{}, func(*catalog.Document) error { return nil }),
	} {
		if err == nil || errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s = %v", op, err)
		}
	}
	if !h.hasBlob("precious") {
		t.Error("the sweep removed a blob of which it knew nothing")
	}
}
