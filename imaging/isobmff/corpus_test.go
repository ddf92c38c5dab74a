package isobmff

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus returns the folder of real photos beside the repository, or skips.
func corpus(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		photos := filepath.Join(dir, "shared", "corpus", "photos")
		if _, err := os.Stat(filepath.Join(photos, "expected.json")); err == nil {
			return photos
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("no corpus of photos on this machine")
		}
		dir = parent
	}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	dir := corpus(t)
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Files []struct {
			File, Format, Expect string
			Truth                struct{ Width, Height int }
		}
	}
	if err := json.Unmarshal(b, &expected); err != nil {
		t.Fatal(err)
	}
	for _, want := range expected.Files {
		if !strings.HasPrefix(want.Format, "HEI") && want.Format != "AVIF" {
			continue
		}
		f, err := os.Open(filepath.Join(dir, want.File))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		h, err := Parse(f, info.Size())
		t.Logf("%s (%s): %+v %v", want.File, want.Expect, h, err)
		switch {
		case err != nil && !errors.Is(err, ErrMalformed):
			t.Errorf("%s: %v is not ErrMalformed", want.File, err)
		case want.Expect == "accept" && err != nil:
			t.Errorf("%s is refused: %v", want.File, err)
		case want.Expect == "reject" && err == nil:
			t.Errorf("%s is taken", want.File)
		case err == nil && (h.Width != want.Truth.Width || h.Height != want.Truth.Height):
			t.Errorf("%s: %d × %d, want %d × %d", want.File, h.Width, h.Height, want.Truth.Width, want.Truth.Height)
		}
	}
}
