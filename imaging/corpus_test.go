package imaging

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corpusFile is an entry of the corpus: real photos and what is known of them.
type corpusFile struct {
	File, Format, Expect, Reason string
	Truth                        struct {
		Width, Height, Orientation *int
		Make, Model                *string
	}
	data []byte
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

// inspected is what an upload does with a file.
func inspected(t testing.TB, data []byte) (Info, error) {
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
			info, err := inspected(t, c.data)
			if err != nil && !errors.Is(err, ErrUndecodable) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooManyPixels) {
				t.Fatalf("an error without a name: %v", err)
			}
			if c.Expect == "either" { // camera raw, or decoders disagree
				t.Logf("%s: %v, %d×%d", c.Reason, err, info.Width, info.Height)
				return
			}
			if (err == nil) != (c.Expect == "accept") {
				t.Fatalf("%s (%s): %v", c.Expect, c.Reason, err)
			}
			if err == nil {
				checkTruth(t, c, info)
			}
		})
	}
}

// turnedByBoxes are the photos that their irot box turns by a quarter. The
// corpus knows the coded size only, and HEIF's EXIF orientation counts for nothing.
var turnedByBoxes = []string{"3469c338-IMG_8062.HEIC"}

func checkTruth(t *testing.T, c corpusFile, info Info) {
	t.Helper()
	if c.Truth.Width != nil {
		w, h := *c.Truth.Width, *c.Truth.Height
		heif := info.Format == HEIC || info.Format == AVIF
		if o := c.Truth.Orientation; !heif && o != nil && *o >= 5 && *o <= 8 || slices.Contains(turnedByBoxes, filepath.Base(c.File)) {
			w, h = h, w
		}
		if info.Width != w || info.Height != h {
			t.Errorf("%d×%d, want %d×%d", info.Width, info.Height, w, h)
		}
	}
	for _, text := range []struct {
		got  string
		want *string
	}{{info.Meta.Make, c.Truth.Make}, {info.Meta.Model, c.Truth.Model}} {
		if text.want != nil && text.got != strings.TrimSpace(*text.want) {
			t.Errorf("%q, want %q", text.got, *text.want)
		}
	}
}

func TestHostileCorpus(t *testing.T) {
	t.Parallel()
	for _, c := range corpus(t, "hostile") {
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			_, err := inspected(t, c.data)
			if (err == nil) != strings.HasPrefix(c.Expect, "accept") {
				t.Fatalf("%s: %v", c.Expect, err)
			}
		})
	}
}
