package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"inlet/blob"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := open(t, root).Claim(t.Context(), "me"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := open(t, root).Claim(t.Context(), "you"); !errors.Is(err, blob.ErrOwner) {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(filepath.Join(root, "blobs", "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	f, err := blob.Open("file://" + root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if err := f.Claim(t.Context(), "me"); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("a store that is away: %v", err)
	}
}
