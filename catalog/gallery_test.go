package catalog_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/gallery"
	"inlet/imaging"
)

func TestGetAndOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.add("picture", row{"format": "png"})
	img, err := h.Get(t.Context(), id)
	must(t, err)
	want := gallery.Image{ID: id, SHA256: sha256.Sum256([]byte("picture")), Format: imaging.PNG, Bytes: 7, UploadedAt: noon}
	if img != want {
		t.Errorf("Get = %+v, want %+v", img, want)
	}
	b, err := h.Open(t.Context(), img)
	must(t, err)
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || string(got) != "picture" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := h.Get(t.Context(), uuid.New()); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("Get of an unknown id: %v", err)
	}

	// A lost blob is the service's failure, that of a deleted image is not.
	must(t, h.Blobs.Delete(t.Context(), keyOf("picture")))
	if _, err := h.Open(t.Context(), img); !errors.Is(err, blob.ErrNotFound) || errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("Open of a lost blob: %v", err)
	}
	must(t, h.Delete(t.Context(), id))
	if _, err := h.Open(t.Context(), img); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("Open of a deleted image: %v", err)
	}
}

func TestVariant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	img, err := h.Get(t.Context(), h.add("picture", nil))
	must(t, err)
	read := func(width int) string {
		t.Helper()
		b, err := h.Variant(t.Context(), img, width)
		must(t, err)
		defer b.Close()
		got, err := io.ReadAll(b)
		must(t, err)
		return string(got)
	}
	for _, width := range gallery.Widths {
		want := fmt.Sprintf("jpeg of %x at %d", img.SHA256, width)
		for range 2 {
			if got := read(width); got != want {
				t.Errorf("variant = %q, want %q", got, want)
			}
		}
	}
	if n := h.thumbs.calls.Load(); n != 4 {
		t.Errorf("%d variants were made for 4 widths", n)
	}
	// A lost one is made again.
	must(t, os.Remove(h.pathOf(blob.VariantKey(keyOf("picture"), 320))))
	read(320)
	if n := h.thumbs.calls.Load(); n != 5 {
		t.Errorf("%d variants were made, want one more", n)
	}
	for _, width := range []int{-1, 0, 161, 1 << 40} {
		if _, err := h.Variant(t.Context(), img, width); !errors.Is(err, gallery.ErrWidth) {
			t.Errorf("width %d: %v", width, err)
		}
	}
}

// Many who ask at once wait for one that works, also when the first goes away.
func TestVariantOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	img, err := h.Get(t.Context(), h.add("picture", nil))
	must(t, err)
	begun, release := make(chan struct{}), make(chan struct{})
	h.thumbs.make = func() ([]byte, error) {
		close(begun)
		<-release
		return []byte("small"), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := h.Variant(ctx, img, 160)
		first <- err
	}()
	<-begun
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Fatalf("the one who went away: %v", err)
	}
	results := make(chan error)
	for range 10 {
		go func() {
			b, err := h.Variant(t.Context(), img, 160)
			if err == nil {
				b.Close()
			}
			results <- err
		}()
	}
	close(release)
	for range 10 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := h.thumbs.calls.Load(); n != 1 {
		t.Errorf("made %d times", n)
	}
}

func TestVariantFails(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
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
	if _, err := h.Variant(t.Context(), img, 160); err != nil && !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("deleted meanwhile: %v", err)
	}
	if _, err := h.Variant(t.Context(), img, 320); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("deleted before: %v", err)
	}
	// What that race leaves is swept.
	_, err = h.SweepOrphans(t.Context(), time.Now().Add(time.Hour))
	must(t, err)
	if ok, err := h.Blobs.Exists(t.Context(), blob.VariantKey(keyOf("picture"), 160)); ok || err != nil {
		t.Errorf("a variant of a deleted image is left: %v", err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
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
			"phash":null,"near":[],"quality":null,"labels":["a","b"],"predictions":[]}`, full, sha256.Sum256([]byte("full")))},
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
	if _, err := h.Metadata(t.Context(), uuid.New()); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
}

func nothingKnown(id uuid.UUID, content string) string {
	return fmt.Sprintf(`{"id":"%s","sha256":"%x","format":"jpeg","width":40,"height":30,"bytes":%d,
		"uploaded_at":"2026-03-10T12:00:00Z","uploads":1,"camera":{"name":null,"make":null,"model":null,"lens":null},
		"captured_at":null,"captured_at_offset":null,"location":null,
		"exposure":{"iso":null,"f_number":null,"time_s":null,"focal_mm":null},"orientation":null,"software":null,"exif":{},
		"phash":null,"near":[],"quality":null,"labels":[],"predictions":[]}`, id, sha256.Sum256([]byte(content)), len(content))
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
	h := newHouse(t)
	h.Pool.Close()
	id, ctx := uuid.New(), t.Context()
	_, getErr := h.Get(ctx, id)
	_, metadataErr := h.Metadata(ctx, id)
	_, _, listErr := h.List(ctx, gallery.Filter{}, 10, "")
	_, setErr := h.SetLabels(ctx, id, []string{"a"})
	_, labelsErr := h.Labels(ctx)
	_, importErr := h.ImportLabels(ctx, bytes.NewBufferString(id.String()+",cat\n"))
	_, eraseErr := h.EraseLink(ctx, "a")
	blobtest.Keep(t, h.Blobs, []byte("precious"))
	_, sweepErr := h.SweepOrphans(ctx, time.Now().Add(time.Hour))
	for op, err := range map[string]error{
		"Get": getErr, "Metadata": metadataErr, "List": listErr, "SetLabels": setErr, "Labels": labelsErr,
		"ImportLabels": importErr, "EraseLink": eraseErr, "SweepOrphans": sweepErr, "Delete": h.Delete(ctx, id),
		"RemoveOrphan": h.RemoveOrphan(ctx, [32]byte{}),
		"Stream":       h.Stream(ctx, gallery.Filter{}, func(*gallery.Document) error { return nil }),
	} {
		if err == nil || errors.Is(err, gallery.ErrNotFound) {
			t.Errorf("%s = %v", op, err)
		}
	}
	if !h.hasBlob("precious") {
		t.Error("the sweep removed a blob of which it knew nothing")
	}
}
