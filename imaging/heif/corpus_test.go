package heif

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/imaging/isobmff"
)

// corpus lists the HEIC and AVIF files beside the repository.
func corpus(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("../../../shared/corpus/photos/files/*")
	if err != nil || len(all) == 0 {
		t.Skip("no corpus beside the repository")
	}
	return slices.DeleteFunc(all, func(f string) bool {
		return !slices.Contains([]string{".heic", ".heif", ".avif"}, strings.ToLower(filepath.Ext(f)))
	})
}

// TestCorpus decodes what cameras wrote, in a part of the memory that the service
// gives: 12 megapixels of HEIC in 96 MiB, 20 of AVIF in 400. What is damaged is
// refused.
func TestCorpus(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes several seconds")
	}
	hevc := newDecoder(t, Limits{Memory: 96 << 20, Pixels: 100e6, Time: 5 * time.Minute})
	av1 := newDecoder(t, Limits{Memory: 400 << 20, Pixels: 100e6, Time: 5 * time.Minute})
	decoded := 0
	for _, name := range corpus(t) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		h, broken := isobmff.Parse(f, info.Size())
		d := hevc
		if h.Codec == "av01" {
			d = av1
		}
		m, err := d.Decode(t.Context(), f, info.Size())
		if broken != nil {
			if !errors.Is(err, imaging.ErrUndecodable) {
				t.Errorf("%s: %v", filepath.Base(name), err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		decoded++
		w, ht := h.Displayed()
		if p := m.Picture(fingerprint.Side); p.Width != w || p.Height != ht {
			t.Errorf("%s: %d×%d, its boxes say %d×%d", filepath.Base(name), p.Width, p.Height, w, ht)
		}
	}
	if decoded < 5 {
		t.Errorf("%d pictures were decoded", decoded)
	}
}

// BenchmarkCorpus decodes each file of the corpus.
func BenchmarkCorpus(b *testing.B) {
	d := newDecoder(b, roomy)
	for _, name := range corpus(b) {
		file, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			b.Fatal(err)
		}
		m, err := d.Decode(b.Context(), file, info.Size()) // compiles
		if err != nil {
			continue
		}
		b.Run(filepath.Base(name), func(b *testing.B) {
			for b.Loop() {
				if _, err := d.Decode(b.Context(), file, info.Size()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(m.Bounds().Dx()*m.Bounds().Dy())/1e6, "Mpixel")
		})
	}
}
