package dcjpeg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"inlet/imaging/dcjpeg"
)

const corpus = "../../../shared/corpus/photos"

// TestCorpus decodes every JPEG of the corpus, where that is there.
func TestCorpus(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile(filepath.Join(corpus, "expected.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no corpus")
	}
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Files []struct {
			File, Format, Expect string
			Truth                struct{ Width, Height int }
		}
	}
	if err := json.Unmarshal(list, &expected); err != nil {
		t.Fatal(err)
	}
	d := dcjpeg.NewDecoder()
	for _, f := range expected.Files {
		if f.Format != "JPEG" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(corpus, f.File))
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Decode(bytes.NewReader(data), 1<<28)
		switch {
		case f.Expect == "accept" && err != nil:
			t.Errorf("%s: %v", f.File, err)
		case f.Expect == "reject" && err == nil:
			t.Errorf("%s is accepted", f.File)
		case err != nil:
			t.Logf("%s (%s): %v", f.File, f.Expect, err)
		default:
			std, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil {
				t.Logf("%s (%s): image/jpeg: %v", f.File, f.Expect, err)
				continue
			}
			compare(t, f.File, m, std, photos)
		}
	}
}
