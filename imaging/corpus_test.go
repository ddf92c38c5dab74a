package imaging

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpusFile is an entry of the corpus: real photos and what is known of them.
type corpusFile struct {
	File, Format, Expect, Reason string
	Truth                        struct{ Width, Height, Orientation *int }
	data                         []byte
}

// corpus reads the photos of ../shared/corpus beside the repository, or skips.
func corpus(t testing.TB, folder string) []corpusFile {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		at := filepath.Join(dir, "shared", "corpus", folder)
		text, err := os.ReadFile(filepath.Join(at, "expected.json"))
		if err == nil {
			return readCorpus(t, at, text)
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no corpus here")
		}
	}
}

func readCorpus(t testing.TB, dir string, text []byte) []corpusFile {
	t.Helper()
	var doc struct{ Files []corpusFile }
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for i := range doc.Files {
		var err error
		if doc.Files[i].data, err = os.ReadFile(filepath.Join(dir, doc.Files[i].File)); err != nil {
			t.Fatal(err)
		}
	}
	return doc.Files
}

// look is what an upload does with a file.
func look(t testing.TB, data []byte) (Info, error) {
	t.Helper()
	f, err := Sniff(data[:min(len(data), SniffLen)])
	if err != nil {
		return Info{}, err
	}
	return NewInspector(100_000_000, 256<<20).Inspect(t.Context(), bytes.NewReader(data), int64(len(data)), f)
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, c := range corpus(t, "photos") {
		t.Run(filepath.Base(c.File), func(t *testing.T) {
			t.Parallel()
			info, err := look(t, c.data)
			if c.Expect == "either" {
				t.Logf("either (%s): %v, %d×%d", c.Reason, err, info.Width, info.Height)
			} else if (err == nil) != (c.Expect == "accept") {
				t.Fatalf("%s (%s): %v", c.Expect, c.Reason, err)
			}
			if err != nil || c.Truth.Width == nil {
				return
			}
			w, h := *c.Truth.Width, *c.Truth.Height
			if o := c.Truth.Orientation; o != nil && *o >= 5 && *o <= 8 && info.Format != HEIC && info.Format != AVIF {
				w, h = h, w
			}
			if info.Format == HEIC && info.Width == h {
				w, h = h, w // turned by its boxes, of which the corpus does not tell
			}
			if info.Width != w || info.Height != h {
				t.Errorf("%d×%d, want %d×%d", info.Width, info.Height, w, h)
			}
		})
	}
}

func TestHostileCorpus(t *testing.T) {
	t.Parallel()
	for _, c := range corpus(t, "hostile") {
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			_, err := look(t, c.data)
			if (err == nil) != strings.HasPrefix(c.Expect, "accept") {
				t.Fatalf("%s: %v", c.Expect, err)
			}
		})
	}
}
