package dcjpeg_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"inlet/imaging/dcjpeg"
)

func encode(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func grey(m image.Image) *image.Gray {
	g := image.NewGray(m.Bounds())
	draw.Draw(g, g.Rect, m, image.Point{}, draw.Src)
	return g
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The files were made with libjpeg-turbo's cjpeg and jpegtran.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		data := read(t, f.Name())
		m, err := dcjpeg.NewDecoder().Decode(bytes.NewReader(data), 1<<20)
		if strings.HasPrefix(f.Name(), "unsupported-") {
			if !errors.Is(err, dcjpeg.ErrUnsupported) {
				t.Errorf("%s: got %v", f.Name(), err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name(), err)
			continue
		}
		if strings.HasPrefix(f.Name(), "progressive") && !m.Progressive {
			t.Errorf("%s is not called progressive", f.Name())
		}
		std, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Logf("%s: image/jpeg: %v", f.Name(), err)
			continue
		}
		compare(t, f.Name(), m, std, extreme)
		compared++
	}
	if compared < 15 {
		t.Errorf("only %d files were compared with image/jpeg", compared)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	d := dcjpeg.NewDecoder()
	for _, size := range []image.Point{{1, 1}, {7, 9}, {8, 8}, {9, 7}, {16, 16}, {17, 33}, {100, 75}, {1, 300}, {300, 1}} {
		m := photo(size.X, size.Y, 2)
		for _, quality := range []int{5, 50, 80, 95, 100} {
			for kind, m := range map[string]image.Image{"colour": m, "grey": grey(m)} {
				data := encode(t, m, quality)
				got, err := d.Decode(bytes.NewReader(data), 1<<20)
				if err != nil {
					t.Fatalf("%v, %s, quality %d: %v", size, kind, quality, err)
				}
				std, err := jpeg.Decode(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				compare(t, fmt.Sprint(size, kind, quality), got, std, extreme)
			}
		}
	}
}

// A file that is cut off anywhere before its last scan's end is refused.
func TestTruncated(t *testing.T) {
	t.Parallel()
	d := dcjpeg.NewDecoder()
	for name, data := range map[string][]byte{
		"made":        encode(t, photo(90, 60, 3), 85),
		"grey":        encode(t, grey(photo(90, 60, 3)), 85),
		"restart":     read(t, "restart.jpg"),
		"progressive": read(t, "progressive.jpg"),
		"planes":      read(t, "planes.jpg"),
	} {
		if _, err := d.Decode(bytes.NewReader(data), 1<<20); err != nil {
			t.Fatalf("%s, whole: %v", name, err)
		}
		for n := range len(data) - 4 {
			if _, err := d.Decode(bytes.NewReader(data[:n]), 1<<20); !errors.Is(err, dcjpeg.ErrCorrupt) {
				t.Errorf("%s, %d of %d bytes: got %v", name, n, len(data), err)
				break
			}
		}
	}
}

func TestMissingEOI(t *testing.T) {
	t.Parallel()
	data := encode(t, photo(40, 30, 4), 85)
	m, err := dcjpeg.NewDecoder().Decode(bytes.NewReader(data[:len(data)-2]), 1<<20)
	if err != nil || !m.MissingEOI {
		t.Errorf("sequential: got %+v, %v", m, err)
	}
	progressive := read(t, "progressive.jpg")
	if _, err := dcjpeg.NewDecoder().Decode(bytes.NewReader(progressive[:len(progressive)-2]), 1<<20); !errors.Is(err, dcjpeg.ErrCorrupt) {
		t.Errorf("progressive: got %v", err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	data := encode(t, photo(40, 30, 5), 85)
	failure := errors.New("the disk is away")
	for name, c := range map[string]struct {
		r         io.Reader
		maxPixels int64
		want      error
	}{
		"empty":           {strings.NewReader(""), 1 << 20, dcjpeg.ErrCorrupt},
		"no JPEG":         {strings.NewReader("\x89PNG\r\n\x1a\n"), 1 << 20, dcjpeg.ErrCorrupt},
		"too many pixels": {bytes.NewReader(data), 40*30 - 1, dcjpeg.ErrTooLarge},
		"reader fails":    {io.MultiReader(bytes.NewReader(data[:200]), iotest.ErrReader(failure)), 1 << 20, failure},
	} {
		_, err := dcjpeg.NewDecoder().Decode(c.r, c.maxPixels)
		if !errors.Is(err, c.want) || name == "reader fails" && errors.Is(err, dcjpeg.ErrCorrupt) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := dcjpeg.NewDecoder().Decode(bytes.NewReader(data), 40*30); err != nil {
		t.Errorf("just as many pixels as allowed: %v", err)
	}
	if _, err := dcjpeg.NewDecoder().Decode(iotest.OneByteReader(bytes.NewReader(data)), 1<<20); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
}

// Memory depends on the dimensions alone.
func TestMemory(t *testing.T) {
	size := image.Rect(0, 0, 2000, 1500)
	flat, busy := image.NewYCbCr(size, image.YCbCrSubsampleRatio420), image.NewYCbCr(size, image.YCbCrSubsampleRatio420)
	for i := range busy.Y {
		busy.Y[i] = uint8(i * i >> 3)
	}
	allocated := func(data []byte) uint64 {
		d := dcjpeg.NewDecoder()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := d.Decode(bytes.NewReader(data), 1<<30); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	small, large := allocated(encode(t, flat, 50)), allocated(encode(t, busy, 95))
	if large > 25<<20/4 || large > small+small/10 {
		t.Errorf("3 MP take %d bytes when flat and %d when busy", small, large)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !file.IsDir() {
			f.Add(read(f, file.Name()))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const maxPixels = 1 << 20
		m, err := dcjpeg.NewDecoder().Decode(bytes.NewReader(data), maxPixels)
		if err != nil {
			if !errors.Is(err, dcjpeg.ErrCorrupt) && !errors.Is(err, dcjpeg.ErrUnsupported) && !errors.Is(err, dcjpeg.ErrTooLarge) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if m.Width < 1 || m.Height < 1 || m.Width*m.Height > maxPixels {
			t.Errorf("%d×%d pixels", m.Width, m.Height)
		}
		for i, p := range []dcjpeg.Plane{m.Y, m.Cb, m.Cr}[:m.Components] {
			if p.W != (m.Width+p.ScaleX-1)/p.ScaleX || p.H != (m.Height+p.ScaleY-1)/p.ScaleY || len(p.Pix) < (p.H-1)*p.Stride+p.W {
				t.Errorf("plane %d of a picture of %d×%d: %d×%d, every %d×%d, %d samples", i, m.Width, m.Height, p.W, p.H, p.ScaleX, p.ScaleY, len(p.Pix))
			}
		}
	})
}

// Inspect accepts what Decode accepts, and CMYK, RGB and any sampling.
func TestInspect(t *testing.T) {
	t.Parallel()
	d := dcjpeg.NewDecoder()
	paths, err := filepath.Glob("testdata/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data := read(t, filepath.Base(path))
		m, err := d.Inspect(bytes.NewReader(data), 1<<20, nil)
		if strings.HasSuffix(path, "unsupported-arithmetic.jpg") {
			if !errors.Is(err, dcjpeg.ErrUnsupported) {
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		c, cerr := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || cerr == nil && (m.Width != c.Width || m.Height != c.Height) {
			t.Errorf("%s: %+v, %v, want %d×%d", path, m, err, c.Width, c.Height)
		}
		if _, err := d.Inspect(bytes.NewReader(data[:len(data)-20]), 1<<20, nil); !errors.Is(err, dcjpeg.ErrCorrupt) {
			t.Errorf("%s, cut: %v", path, err)
		}
	}
}

// A tap is told all of a file but the markers' own bytes and what follows the
// end, however the file arrives.
func TestTap(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	d := dcjpeg.NewDecoder()
	inspect := func(r io.Reader) (m *dcjpeg.Image, told []byte, err error) {
		m, err = d.Inspect(r, 1<<20, func(code byte, data []byte) {
			if code != 0 {
				told = append(told, 0xff, code, byte((len(data)+2)>>8), byte(len(data)+2))
			}
			told = append(told, data...)
		})
		return m, append(append([]byte{0xff, 0xd8}, told...), 0xff, 0xd9), err
	}
	for _, path := range paths {
		data := read(t, filepath.Base(path))
		m, told, err := inspect(bytes.NewReader(append(bytes.Clone(data), "a preview"...)))
		if strings.HasSuffix(path, "unsupported-arithmetic.jpg") {
			continue
		}
		if err != nil || !bytes.Equal(told, data) {
			t.Errorf("%s: %v, told %d bytes of %d", path, err, len(told), len(data))
			continue
		}
		if _, again, err := inspect(iotest.HalfReader(bytes.NewReader(data))); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s, in pieces: %v, told %d bytes of %d", path, err, len(again), len(data))
		}
		decoded, err := d.Decode(bytes.NewReader(data), 1<<20)
		if errors.Is(err, dcjpeg.ErrUnsupported) {
			decoded = &dcjpeg.Image{Width: m.Width, Height: m.Height, Components: m.Components}
		}
		if !reflect.DeepEqual(m, decoded) {
			t.Errorf("%s: inspected and decoded are not the same", path)
		}
	}
	large := encode(t, photo(900, 700, 3), 97)
	if _, told, err := inspect(bytes.NewReader(large)); err != nil || !bytes.Equal(told, large) || len(large) < 300<<10 {
		t.Errorf("a large one: %v, told %d bytes of %d", err, len(told), len(large))
	}
	if _, told, err := inspect(bytes.NewReader(large[:len(large)-2])); err != nil || !bytes.Equal(told, large) {
		t.Errorf("without an end: %v, told %d bytes of %d", err, len(told), len(large))
	}
}
