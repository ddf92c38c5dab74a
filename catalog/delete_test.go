package catalog_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/catalog"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.add("picture", row{"camera": "Canon EOS 40D", "flags": []string{"dark", "small"}})
	h.duplicate(id, "b", noon.Add(24*time.Hour), 9)
	h.duplicate(id, "b", noon.Add(20*time.Hour+time.Minute), 9) // counts in its hour
	h.duplicate(id, "b", noon.AddDate(0, 0, -9), 9)             // counts in its day
	h.duplicate(id, "a", noon.Add(24*time.Hour-time.Second), 7)
	other := h.add("other", row{"format": "png", "camera": "Canon EOS 40D"})
	sum := []byte("0123456789abcdef0123456789abcdef")
	h.exec(`INSERT INTO aliases (sha256, image_id, match) VALUES ($1, $2, 'payload')`, sum, id)
	_, err := h.SetLabels(t.Context(), id, []string{"cat"})
	must(t, err)
	img, err := h.Get(t.Context(), id)
	must(t, err)
	b, err := h.Variant(t.Context(), img, 160)
	must(t, err)
	b.Close()

	must(t, h.Delete(t.Context(), id))
	h.checkCounters()
	if h.hasBlob("picture") || !h.hasBlob("other") {
		t.Error("the wrong blobs are left")
	}
	if ok, err := h.Blobs.Exists(t.Context(), blob.VariantKey(keyOf("picture"), 160)); ok || err != nil {
		t.Errorf("the variant is left: %v", err)
	}
	for _, table := range []string{"images", "uploads", "aliases", "labels"} {
		want := map[string]int64{"images": 1, "uploads": 1}[table]
		if n := h.count(`SELECT count(*) FROM ` + table); n != want {
			t.Errorf("%d rows in %s, want %d", n, table, want)
		}
	}
	if _, err := h.Get(t.Context(), other); err != nil {
		t.Errorf("the other image: %v", err)
	}
	if n := h.commits.Load(); n != 1 {
		t.Errorf("told of %d commits, want 1", n)
	}
	for _, gone := range []uuid.UUID{id, uuid.New()} {
		if err := h.Delete(t.Context(), gone); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("Delete of what is not there: %v", err)
		}
	}
	if n := h.commits.Load(); n != 1 {
		t.Error("told of a commit that was none")
	}
}

// The same bytes can be an image in several scopes.
func TestDeleteKeepsSharedBlob(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first := h.add("picture", row{"scope": "a"})
	second := h.add("picture", row{"scope": "b", "link": "b"})
	must(t, h.Delete(t.Context(), first))
	if !h.hasBlob("picture") {
		t.Fatal("the blob of the other image was removed")
	}
	must(t, h.Delete(t.Context(), second))
	if h.hasBlob("picture") {
		t.Error("the blob is left")
	}
	h.checkCounters()
}

// A deletion that cannot remove the blob says so, has happened all the same,
// and the sweep finishes it.
func TestDeleteWithoutBlobStore(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.add("picture", nil)
	other := h.add("other", nil)
	path := h.pathOf(keyOf("picture"))
	obstruct(t, path)
	if err := h.Delete(t.Context(), id); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("err = %v, want ErrUnavailable", err)
	}
	if _, err := h.Get(t.Context(), id); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("the record: %v", err)
	}
	h.checkCounters()

	blobtest.Keep(t, h.Blobs, []byte("orphan"))
	n, err := h.Vault.Sweep(t.Context(), time.Now().Add(time.Hour))
	if n != 1 || !errors.Is(err, blob.ErrUnavailable) || h.hasBlob("orphan") {
		t.Errorf("swept %d, %v; want the other orphan removed and the failure reported", n, err)
	}
	must(t, os.RemoveAll(path))
	must(t, os.WriteFile(path, []byte("picture"), 0o600))
	n, err = h.Vault.Sweep(t.Context(), time.Now().Add(time.Hour))
	if n != 1 || err != nil || h.hasBlob("picture") {
		t.Errorf("swept %d, %v; want the blob", n, err)
	}
	if _, err := h.Get(t.Context(), other); err != nil || !h.hasBlob("other") {
		t.Error("the sweep took too much")
	}
}

// obstruct puts a folder that is not empty in a file's place: even root cannot
// unlink it.
func obstruct(t *testing.T, path string) {
	t.Helper()
	must(t, os.Remove(path))
	must(t, os.MkdirAll(path+"/full", 0o700))
}

func TestEraseLink(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var stay []uuid.UUID
	for i := range 450 {
		at := noon.Add(time.Duration(i/7) * time.Second) // several at one moment
		id := h.addRow(fmt.Sprint("picture ", i), row{"uploaded_at": at, "link": "a", "camera": fmt.Sprint("camera ", i%3)})
		switch {
		case i%10 == 0:
			h.duplicate(id, "b", at.Add(time.Hour), 5)
			h.duplicate(id, "a", at.Add(time.Hour), 5)
			stay = append(stay, id)
		case i%3 == 0:
			h.duplicate(id, "a", at.Add(48*time.Hour), 5)
		}
	}
	// Stored through another link, and only sent again through this one.
	foreign := h.addRow("foreign", row{"link": "b", "uploaded_at": noon.Add(-time.Hour)})
	h.duplicate(foreign, "a", noon, 7)
	stay = append(stay, foreign)
	h.exec(`INSERT INTO link_usage VALUES ('a', 500, 5000, now())`)
	blobtest.Keep(t, h.Blobs, []byte("picture 1"))
	blobtest.Keep(t, h.Blobs, []byte("picture 10"))

	n, err := h.EraseLink(t.Context(), "a")
	must(t, err)
	if n != 451-len(stay) {
		t.Errorf("erased %d, want %d", n, 451-len(stay))
	}
	h.checkCounters()
	for _, id := range stay {
		if _, err := h.Get(t.Context(), id); err != nil {
			t.Errorf("image %s came through another link as well: %v", id, err)
		}
	}
	if left := h.count(`SELECT count(*) FROM images`); left != int64(len(stay)) {
		t.Errorf("%d images left, want %d", left, len(stay))
	}
	if h.hasBlob("picture 1") || !h.hasBlob("picture 10") {
		t.Error("the wrong blobs are left")
	}
	if n := h.count(`SELECT files FROM link_usage`); n != 500 {
		t.Errorf("the link's usage became %d", n)
	}
	if n, err := h.EraseLink(t.Context(), "unknown"); n != 0 || err != nil {
		t.Errorf("unknown link: %d, %v", n, err)
	}
	if n, err := h.EraseLink(t.Context(), "a"); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}
