package imaging

import (
	"bufio"
	"bytes"
	"errors"
	"image"
	"io"
	"strings"
	"testing"

	"golang.org/x/image/tiff"
)

// A TIFF by rows shows what x/image shows.
func TestTIFFRows(t *testing.T) {
	t.Parallel()
	in := NewInspector(1e8, 1<<20)
	files := samplesOf(t, TIFF)
	for _, c := range corpusOrNone(t, "photos") {
		if strings.Contains(c.File, ".tif") && c.Expect == "accept" {
			files = append(files, sample{c.File, TIFF, c.data})
		}
	}
	noise := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range noise.Pix {
		noise.Pix[i] = byte(i * i >> 3)
	}
	deep := image.NewRGBA64(noise.Rect)
	for i := range deep.Pix {
		deep.Pix[i] = byte(i*i>>3) | byte(i%8/6*255) // opaque
	}
	for name, m := range map[string]image.Image{"alpha": noise, "deep": deep} {
		data := encode(t, func(b *bytes.Buffer) error {
			return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
		})
		files = append(files, sample{name, TIFF, data})
	}
	compared := 0
	for _, s := range files {
		f, l, err := in.tiffPicture(sourceOf(t, s.data), 0)
		m, failed := tiff.Decode(bytes.NewReader(s.data))
		if err != nil || failed != nil || !l.byRows {
			continue
		}
		compared++
		if err := in.tiffByRows(f, l, func(got rows) error { return sameRows(got, m) }); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	if compared < 12 {
		t.Errorf("only %d files compared", compared)
	}
}

// Ink is shown, which x/image does not decode.
func TestThumbnailOfInk(t *testing.T) {
	t.Parallel()
	var means [2]int
	for i, name := range []string{"cmyk.tif", "lzw.tif"} {
		data := sampleNamed(t, name)
		in := NewInspector(1e8, 1<<20)
		f, l, err := in.tiffPicture(sourceOf(t, data), 0)
		if err != nil || !l.byRows {
			t.Fatalf("%s: %v", name, err)
		}
		err = in.tiffByRows(f, l, func(got rows) (err error) {
			means[i], err = readAll(got)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if d := (means[0] - means[1]) / (3 * sampleWidth * sampleHeight); d < -3 || d > 3 {
		t.Errorf("ink is lighter by %d", d)
	}
}

func TestPackBits(t *testing.T) {
	t.Parallel()
	got, err := io.ReadAll(&packBits{r: bufio.NewReader(strings.NewReader("\x02abc\x80\xfed\x00e"))})
	if string(got) != "abcddde" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// FuzzTIFFRows holds that no bytes make reading by rows panic, and that
// whatever Inspect accepts can be read.
func FuzzTIFFRows(f *testing.F) {
	for _, s := range samplesOf(f, TIFF) {
		f.Add(s.data)
	}
	in := NewInspector(1<<16, 1<<20)
	f.Fuzz(func(t *testing.T, data []byte) {
		src := sourceOf(t, data)
		file, l, err := in.tiffPicture(src, 0)
		if err != nil || !l.byRows {
			return
		}
		_, err = in.inspect(t.Context(), src, TIFF)
		failed := in.tiffByRows(file, l, func(got rows) error {
			_, failed := readAll(got)
			return failed
		})
		if err == nil && failed != nil && !errors.Is(failed, errNotFollowed) && l.compression != tiffGroup3 && l.compression != tiffGroup4 {
			t.Fatalf("accepted, yet %v", failed)
		}
	})
}
