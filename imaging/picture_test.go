package imaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"reflect"
	"sync"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"inlet/imaging/fingerprint"
)

func pictureOf(t testing.TB, f Format, data []byte, want Want) *fingerprint.Picture {
	t.Helper()
	p, err := NewInspector(1e8, 64<<20).Picture(t.Context(), bytes.NewReader(data), int64(len(data)), f, want)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// converted is a picture drawn on another kind of image.
func converted(to draw.Image, m image.Image) image.Image {
	draw.Draw(to, to.Bounds(), m, m.Bounds().Min, draw.Src)
	return to
}

func pngOf(t testing.TB, m image.Image) sample {
	t.Helper()
	return sample{"png", PNG, encode(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })}
}

// sceneFiles are the same picture in every way that Go writes it.
func sceneFiles(t testing.TB, m image.Image) []sample {
	t.Helper()
	tiffOf := func(o *tiff.Options) []byte {
		return encode(t, func(b *bytes.Buffer) error { return tiff.Encode(b, converted(image.NewRGBA(m.Bounds()), m), o) })
	}
	return []sample{
		pngOf(t, converted(image.NewRGBA(m.Bounds()), m)),
		pngOf(t, m), // of a palette
		pngOf(t, converted(image.NewNRGBA64(m.Bounds()), m)),
		{"gif", GIF, encode(t, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) })},
		{"bmp", BMP, encode(t, func(b *bytes.Buffer) error { return bmp.Encode(b, converted(image.NewRGBA(m.Bounds()), m)) })},
		{"plain", TIFF, tiffOf(nil)},
		{"deflate", TIFF, tiffOf(&tiff.Options{Compression: tiff.Deflate, Predictor: true})},
		{"jpeg", JPEG, encode(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 92}) })},
	}
}

// sameFingerprint holds that two files show the same, by their fingerprints and
// at a side.
func sameFingerprint(t *testing.T, a, b sample, side int) {
	t.Helper()
	x, err := inspectAs(t, a.format, a.data)
	if err != nil {
		t.Fatal(err)
	}
	y, err := inspectAs(t, b.format, b.data)
	if err != nil {
		t.Fatal(err)
	}
	if x.Fingerprint == nil || y.Fingerprint == nil || len(y.Probes) == 0 {
		t.Fatalf("%s, %s: no fingerprint", a.name, b.name)
	}
	if x.Fingerprint.Width != x.Width || y.Fingerprint.Height != y.Height {
		t.Errorf("%s: a fingerprint of %d×%d for %d×%d", b.name, y.Fingerprint.Width, y.Fingerprint.Height, y.Width, y.Height)
	}
	if v := fingerprint.Compare(x.Fingerprint, y.Fingerprint); v.Kind != fingerprint.Undecided {
		t.Errorf("%s, %s: the fingerprints are %v", a.name, b.name, v)
	}
	p, q := pictureOf(t, a.format, a.data, Want{Side: side}), pictureOf(t, b.format, b.data, Want{Side: side})
	want := fingerprint.Match
	if !p.Whole || !q.Whole {
		want = fingerprint.Undecided
	}
	if got := fingerprint.Verify(p, q); got != want {
		t.Errorf("%s, %s: at %d they are %v: %s", a.name, b.name, side, got, fingerprint.Explain(p, q))
	}
}

func TestFingerprintOfEveryFormat(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{sceneWidth, sceneHeight}, {803, 601}} {
		files := sceneFiles(t, scene(1, size.X, size.Y))
		for _, f := range files[1:] {
			sameFingerprint(t, files[0], f, fingerprint.FullSide)
		}
	}
}

// sceneFile reads a file of testdata/scenes.
func sceneFile(t testing.TB, path string) sample {
	t.Helper()
	data := sampleNamed(t, path)
	f, err := Sniff(data[:min(len(data), SniffLen)])
	if err != nil {
		t.Fatal(err)
	}
	return sample{path, f, data}
}

// Kinds that Go does not write.
func TestFingerprintOfForeignFiles(t *testing.T) {
	t.Parallel()
	first := pngOf(t, scene(1, sceneWidth, sceneHeight))
	for _, name := range []string{
		"lossy.webp", "lossless.webp", "turned.webp", "animated.webp", "animated-lossless.webp",
		"interlaced.png", "tiled.tif", "progressive.jpg", "cmyk.jpg",
	} {
		sameFingerprint(t, first, sceneFile(t, "scenes/"+name), fingerprint.Side)
	}
	seen := pngOf(t, clearScene())
	for _, name := range []string{"alpha.webp", "alpha-lossless.webp"} {
		sameFingerprint(t, seen, sceneFile(t, "scenes/"+name), fingerprint.Side)
	}
}

// clearScene is one without anything on its left.
func clearScene() *image.Paletted {
	m := scene(1, sceneWidth, sceneHeight)
	for i := range m.Pix {
		if i%sceneWidth < 60 {
			m.Pix[i] = 63
		}
	}
	return m
}

// What shines through is white.
func TestFingerprintOverWhite(t *testing.T) {
	t.Parallel()
	m := clearScene()
	white := converted(image.NewRGBA(m.Bounds()), image.White)
	draw.Draw(white.(draw.Image), m.Bounds(), m, image.Point{}, draw.Over)
	first := pngOf(t, white)
	seen := encode(t, func(b *bytes.Buffer) error { return tiff.Encode(b, converted(image.NewNRGBA(m.Bounds()), m), nil) })
	for _, f := range append(sceneFiles(t, m)[1:4], sample{"alpha", TIFF, seen}) {
		sameFingerprint(t, first, f, fingerprint.Side)
	}
}

func TestFingerprintUpright(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{sceneWidth, sceneHeight}, {803, 601}} {
		m := scene(1, size.X, size.Y)
		stored := sceneFiles(t, m)[7]
		for o := 2; o <= 8; o++ {
			want := upright(converted(image.NewRGBA(m.Bounds()), m).(*image.RGBA), o)
			file := pngOf(t, want)
			sameFingerprint(t, file, sample{"turned", JPEG, turnedJPEG(stored.data, byte(o))}, fingerprint.Side)
			if size.X == sceneWidth {
				sameFingerprint(t, file, sample{"turned", PNG, turnedPNG(pngOf(t, m).data, byte(o))}, fingerprint.Side)
			}
		}
	}
}

func orientationTIFF(o byte) []byte {
	return []byte{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, o, 0, 0, 0, 0, 0, 0, 0}
}

func turnedJPEG(data []byte, o byte) []byte {
	block := append([]byte("Exif\x00\x00"), orientationTIFF(o)...)
	head := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(block) + 2)}, block...)
	return append(head, data[2:]...)
}

func turnedPNG(data []byte, o byte) []byte {
	const ihdrEnd = 33
	out := append([]byte{}, data[:ihdrEnd]...)
	return append(append(out, chunkPNG("eXIf", orientationTIFF(o))...), data[ihdrEnd:]...)
}

// Animations that begin alike are told apart, and every frame is as it is shown.
func TestPictureOfFrames(t *testing.T) {
	t.Parallel()
	m := newMovie()
	for _, f := range []sample{{"gif", GIF, m.gif(t)}, {"apng", PNG, m.apng(t, nil)}} {
		info, err := inspectAs(t, f.format, f.data)
		if err != nil || info.Frames != len(m.frames) || info.Duration != m.duration() || info.Fingerprint == nil {
			t.Fatalf("%s: %d frames of %v: %v", f.name, info.Frames, info.Duration, err)
		}
		for n := range m.frames {
			want := fingerprint.New(m.shown(n), fingerprint.Frame{Width: sceneWidth, Height: sceneHeight, Side: fingerprint.Side})
			got := pictureOf(t, f.format, f.data, Want{Side: fingerprint.Side, Frame: n})
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: frame %d is not what is shown", f.name, n)
			}
		}
		first, last := pictureOf(t, f.format, f.data, Want{Side: fingerprint.Side}), pictureOf(t, f.format, f.data, Want{Side: fingerprint.Side, Frame: len(m.frames) - 1})
		if kind := fingerprint.Verify(first, last); kind == fingerprint.Match {
			t.Errorf("%s: the first and the last frame are %v", f.name, kind)
		}
		for _, n := range []int{-1, len(m.frames), 1 << 40} {
			_, err := NewInspector(1e8, 64<<20).Picture(t.Context(), bytes.NewReader(f.data), int64(len(f.data)), f.format, Want{fingerprint.Side, n})
			if !errors.Is(err, ErrUndecodable) {
				t.Errorf("%s: frame %d: %v", f.name, n, err)
			}
		}
	}
}

// A WebP leaves its frames as others do. Compressed with loss, its frames are
// the same as those of a GIF all the same.
func TestPictureOfWebPFrames(t *testing.T) {
	t.Parallel()
	m := newMovie()
	for _, name := range []string{"animated-lossless.webp", "animated.webp"} {
		f := sceneFile(t, "scenes/"+name)
		info, err := inspectAs(t, f.format, f.data)
		if err != nil || info.Frames != len(m.frames) || info.Duration != m.duration() {
			t.Fatalf("%s: %d frames of %v: %v", name, info.Frames, info.Duration, err)
		}
		for n := range m.frames {
			want := fingerprint.New(m.shown(n), fingerprint.Frame{Width: sceneWidth, Height: sceneHeight, Side: fingerprint.Side})
			got := pictureOf(t, f.format, f.data, Want{fingerprint.Side, n})
			if kind := fingerprint.Verify(got, want); kind != fingerprint.Match {
				t.Errorf("%s: frame %d is %v: %s", name, n, kind, fingerprint.Explain(got, want))
			}
			if name == "animated-lossless.webp" && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: frame %d is not what is shown", name, n)
			}
		}
	}
}

// Pages of a TIFF are turned each in its own way.
func TestPictureOfPages(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pages.tif", "pages-tiled.tif"} {
		f := sceneFile(t, "scenes/"+name)
		info, err := inspectAs(t, f.format, f.data)
		if err != nil || info.Frames != 2 || info.Duration != 0 {
			t.Fatalf("%s: %d pages: %v", name, info.Frames, err)
		}
		for page := range 2 {
			want := pictureOf(t, PNG, pngOf(t, scene(uint64(page+1), sceneWidth, sceneHeight)).data, Want{Side: fingerprint.Side})
			if got := pictureOf(t, f.format, f.data, Want{fingerprint.Side, page}); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: page %d is not what was drawn", name, page)
			}
		}
		_, err = NewInspector(1e8, 64<<20).Picture(t.Context(), bytes.NewReader(f.data), int64(len(f.data)), f.format, Want{fingerprint.Side, 2})
		if !errors.Is(err, ErrUndecodable) {
			t.Errorf("%s: page 2: %v", name, err)
		}
	}
}

// What Inspect makes in its one pass is what Picture decodes.
func TestFingerprintIsOfPicture(t *testing.T) {
	t.Parallel()
	all := sceneFiles(t, scene(1, sceneWidth, sceneHeight))
	for _, folder := range []string{"photos", "hostile"} {
		for _, c := range corpusOrNone(t, folder) {
			if f, err := Sniff(c.data[:min(len(c.data), SniffLen)]); err == nil && decodable(f) == nil {
				all = append(all, sample{c.File, f, c.data})
			}
		}
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			in := NewInspector(1e8, 64<<20)
			p, err := in.Picture(t.Context(), bytes.NewReader(s.data), int64(len(s.data)), s.format, Want{Side: fingerprint.Side})
			if err != nil && !errors.Is(err, ErrUndecodable) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooManyPixels) {
				t.Fatal(err)
			}
			info, refused := inspectAs(t, s.format, s.data)
			if err != nil || refused != nil {
				if info.Fingerprint != nil {
					t.Errorf("a fingerprint of what does not decode: %v", err)
				}
				return
			}
			want, _, _ := fingerprint.Of(p)
			if (info.Fingerprint == nil) != (want == nil) || want != nil && fingerprint.Compare(info.Fingerprint, want).Kind != fingerprint.Undecided {
				t.Errorf("the fingerprint is another one")
			}
		})
	}
}

// Files that need more memory than there is wait for one another, and all end.
func TestInspectAtOnce(t *testing.T) {
	t.Parallel()
	files := append(sceneFiles(t, scene(1, 803, 601)), sceneFile(t, "scenes/animated.webp"), sceneFile(t, "scenes/alpha.webp"))
	in := NewInspector(1e8, 1<<20)
	var wg sync.WaitGroup
	for _, f := range append(files, files...) {
		wg.Go(func() {
			info, err := in.Inspect(t.Context(), bytes.NewReader(f.data), int64(len(f.data)), f.format)
			if err != nil || info.Fingerprint == nil {
				t.Errorf("%s: %v", f.name, err)
			}
		})
	}
	wg.Wait()
}

// A still that no browser shows is no fingerprint of an animation.
func TestFingerprintOfHiddenStill(t *testing.T) {
	t.Parallel()
	m := newMovie()
	m.frames, m.after, m.delays = m.frames[:1], m.after[:1], m.delays[:1]
	data := m.apng(t, scene(9, sceneWidth, sceneHeight))
	info, err := inspectAs(t, PNG, data)
	if err != nil || info.Fingerprint != nil || info.Frames != 1 || info.Duration != 0 {
		t.Errorf("%d frames, a fingerprint: %v; %v", info.Frames, info.Fingerprint != nil, err)
	}
}

// What lies behind the damage is no frame.
func TestPictureOfDamagedAnimation(t *testing.T) {
	t.Parallel()
	m := newMovie()
	data := m.gif(t)
	data = data[:len(data)*2/3]
	info, err := inspectAs(t, GIF, data)
	if err != nil || info.Frames < 2 || info.Frames == len(m.frames) {
		t.Fatalf("%d frames: %v", info.Frames, err)
	}
	pictureOf(t, GIF, data, Want{fingerprint.Side, info.Frames - 1})
	_, err = NewInspector(1e8, 64<<20).Picture(t.Context(), bytes.NewReader(data), int64(len(data)), GIF, Want{fingerprint.Side, info.Frames})
	if !errors.Is(err, ErrUndecodable) {
		t.Error(err)
	}
}

func TestGIFRow(t *testing.T) {
	t.Parallel()
	for height := 1; height < 40; height++ {
		seen := make([]bool, height)
		for i := range height {
			y := gifRow(i, height)
			if y >= height || seen[y] {
				t.Fatalf("row %d of %d is %d", i, height, y)
			}
			seen[y] = true
		}
	}
}

func TestPictureRefuses(t *testing.T) {
	t.Parallel()
	good := pngOf(t, scene(1, sceneWidth, sceneHeight)).data
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context //nolint:containedctx // one of the cases
		f    Format
		data []byte
		want error
	}{
		"heic":            {t.Context(), HEIC, nil, ErrNotReady},
		"avif":            {t.Context(), AVIF, nil, ErrNotReady},
		"unknown":         {t.Context(), "svg", nil, ErrUnsupported},
		"no picture":      {t.Context(), PNG, []byte("x"), ErrUndecodable},
		"too many pixels": {t.Context(), PNG, bombs()[PNG], ErrTooManyPixels},
		"truncated":       {t.Context(), PNG, good[:len(good)/2], ErrUndecodable},
		"cancelled":       {cancelled, PNG, good, context.Canceled},
	} {
		_, err := NewInspector(1e8, 1<<20).Picture(c.ctx, bytes.NewReader(c.data), int64(len(c.data)), c.f, Want{Side: fingerprint.Side})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// Of a line there is nothing to compare, and it takes no memory.
func TestPictureOfLines(t *testing.T) {
	t.Parallel()
	m := image.NewPaletted(image.Rect(0, 0, 60_000, 9), color.Palette{color.Black, color.White})
	data := encode(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	p := pictureOf(t, PNG, turnedPNG(data, 6), Want{Side: fingerprint.FullSide})
	if p.Width != 9 || p.Height != 60_000 || len(p.Luma.Pix) > 0 {
		t.Errorf("%d×%d with %d samples", p.Width, p.Height, len(p.Luma.Pix))
	}
	info, err := inspectAs(t, PNG, data)
	if err != nil || info.Fingerprint != nil {
		t.Errorf("a fingerprint: %v; %v", info.Fingerprint != nil, err)
	}
}

// Nothing is compared of a file that would take much memory for next to nothing.
func TestPictureOfHollowFiles(t *testing.T) {
	t.Parallel()
	m := image.NewPaletted(image.Rect(0, 0, 2000, 2000), color.Palette{color.Black, color.White})
	data := encode(t, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }) // 10 KB for 20 MB
	for memory, samples := range map[int64]int{1 << 20: 0, 4 << 20: 2000 * 2000} {
		p, err := NewInspector(1e8, memory).Picture(t.Context(), bytes.NewReader(data), int64(len(data)), GIF, Want{Side: fingerprint.FullSide})
		if err != nil || p.Width != 2000 || len(p.Luma.Pix) != samples {
			t.Errorf("within %d: %d samples, %v", memory, len(p.Luma.Pix), err)
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	for _, s := range benchmarkFiles(b)[:6] {
		for _, side := range []int{fingerprint.Side, fingerprint.FullSide} {
			b.Run(fmt.Sprintf("%s/%d", s.name, side), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pictureOf(b, s.format, s.data, Want{Side: side})
				}
			})
		}
	}
}
