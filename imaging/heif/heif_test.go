package heif

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/imaging/isobmff"
)

var roomy = Limits{Memory: 1 << 30, Pixels: 100e6, Time: time.Minute}

// compiled holds the libraries for all tests: compiling them takes seconds under
// the race detector.
var compiled = NewDecoder(Limits{})

func newDecoder(t testing.TB, l Limits) *Decoder {
	t.Helper()
	return &Decoder{limits: l, idle: compiled.idle}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (d *Decoder) decodeBytes(ctx context.Context, b []byte) (Image, error) {
	return d.Decode(ctx, bytes.NewReader(b), int64(len(b)))
}

// The quarters of the sample, by the first letter of their colour.
var colours = map[byte][3]int{'r': {255, 0, 0}, 'g': {0, 255, 0}, 'b': {0, 0, 255}, 'y': {128, 128, 128}, 'w': {255, 255, 255}}

// quarters names the colours in the middles of the quarters of a JPEG.
func quarters(t *testing.T, file []byte) string {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var names []byte
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	for _, at := range []image.Point{{w / 4, h / 4}, {w * 3 / 4, h / 4}, {w / 4, h * 3 / 4}, {w * 3 / 4, h * 3 / 4}} {
		r, g, b, _ := m.At(at.X, at.Y).RGBA()
		name := byte('?')
		for n, c := range colours {
			if near(r, c[0]) && near(g, c[1]) && near(b, c[2]) {
				name = n
			}
		}
		names = append(names, name)
	}
	return string(names)
}

func near(v uint32, want int) bool { return max(int(v>>8)-want, want-int(v>>8)) <= 12 }

func TestDecode(t *testing.T) {
	t.Parallel()
	d := newDecoder(t, roomy)
	for _, c := range []struct {
		name     string
		size     image.Point
		quarters string
	}{
		{"plain.heic", image.Pt(96, 72), "rgby"},
		{"plain.avif", image.Pt(96, 72), "rgby"},
		{"ten.heic", image.Pt(96, 72), "rgby"},
		{"odd.heic", image.Pt(45, 31), "rgby"},
		{"odd.avif", image.Pt(45, 31), "rgby"},
		{"alpha.avif", image.Pt(96, 72), "wgby"},
		{"grey.heic", image.Pt(96, 72), ""},
		{"grey.avif", image.Pt(96, 72), ""},
		{"ten.avif", image.Pt(512, 512), ""},
		{"sequence.avif", image.Pt(500, 360), ""},
	} {
		m, err := d.decodeBytes(t.Context(), sample(t, c.name))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if m.Bounds() != (image.Rectangle{Max: c.size}) || m.Cut {
			t.Errorf("%s: %v, cut %v, want %v", c.name, m.Bounds(), m.Cut, c.size)
		}
		thumbnail, err := m.Thumbnail(1280)
		if err != nil {
			t.Fatal(err)
		}
		if got := quarters(t, thumbnail); c.quarters != "" && got != c.quarters {
			t.Errorf("%s: quarters %q, want %q", c.name, got, c.quarters)
		}
		p := m.Picture(fingerprint.Side)
		if lo, hi := extremes(p.Luma.Pix); hi-lo < 50 {
			t.Errorf("%s: luma from %d to %d", c.name, lo, hi)
		}
	}
	if m, err := d.decodeBytes(t.Context(), sample(t, "alpha.heic")); err != nil || !m.Cut {
		t.Errorf("alpha.heic: cut %v, %v", m.Cut, err)
	}
}

func extremes(pix []uint8) (lo, hi uint8) {
	lo = 255
	for _, v := range pix {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// TestTurned holds all turns that boxes can ask for against both libraries, of
// which one turns and the other does not.
func TestTurned(t *testing.T) {
	t.Parallel()
	d := newDecoder(t, roomy)
	for _, name := range []string{"turned.heic", "turned.avif"} {
		for turns := range 4 {
			for axis := range 2 {
				b := sample(t, name)
				b[bytes.Index(b, []byte("irot"))+4] = byte(turns)
				b[bytes.Index(b, []byte("imir"))+4] = byte(axis)
				want := "rgby"
				for range turns { // counter-clockwise
					want = string([]byte{want[1], want[3], want[0], want[2]})
				}
				if axis == 0 {
					want = want[2:] + want[:2]
				} else {
					want = string([]byte{want[1], want[0], want[3], want[2]})
				}
				m, err := d.decodeBytes(t.Context(), b)
				if err != nil {
					t.Fatal(err)
				}
				thumbnail, err := m.Thumbnail(1280)
				if err != nil {
					t.Fatal(err)
				}
				if got := quarters(t, thumbnail); got != want {
					t.Errorf("%s, %d turns, axis %d: %q, want %q", name, turns, axis, got, want)
				}
				h, err := isobmff.Parse(bytes.NewReader(b), int64(len(b)))
				if err != nil {
					t.Fatal(err)
				}
				w, ht := h.Displayed()
				if p := m.Picture(fingerprint.Side); p.Width != w || p.Height != ht || p.Luma.W != w {
					t.Errorf("%s, %d turns: %d×%d, want %d×%d", name, turns, p.Width, p.Height, w, ht)
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	at := func(ctx context.Context) context.Context { return ctx }
	cancelled := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx
	}
	with := func(change func(*Limits)) Limits {
		l := roomy
		change(&l)
		return l
	}
	for _, c := range []struct {
		name   string
		begin  func(context.Context) context.Context
		limits Limits
		want   error
		says   string
	}{
		{"memory", at, with(func(l *Limits) { l.Memory = 1 }), imaging.ErrUndecodable, "more than 4 MiB of memory"},
		{"pixels", at, with(func(l *Limits) { l.Pixels = 500*360 - 1 }), imaging.ErrTooManyPixels, "500×360"},
		{"time", at, with(func(l *Limits) { l.Time = 1 }), ErrSlow, "1ns"},
		{"cancelled", cancelled, roomy, context.Canceled, ""},
	} {
		d := newDecoder(t, c.limits)
		_, err := d.decodeBytes(c.begin(t.Context()), sample(t, "sequence.avif"))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	d := newDecoder(t, roomy)
	b := sample(t, "plain.heic")
	if _, err := d.Picture(t.Context(), bytes.NewReader(b), int64(len(b)), imaging.Want{Side: fingerprint.Side, Frame: 1}); !errors.Is(err, imaging.ErrUndecodable) {
		t.Errorf("a second frame: %v", err)
	}
	if p, err := d.Picture(t.Context(), bytes.NewReader(b), int64(len(b)), imaging.Want{Side: 48}); err != nil || p.Luma.W != 48 {
		t.Errorf("a picture: %v", err)
	}
}

// The memory of a decoding is the system's again when it ends, whichever way.
func TestMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	m, err := reserve(8 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Reallocate(1 << 20); len(b) != 1<<20 || m.refused {
		t.Errorf("%d bytes, refused %v", len(b), m.refused)
	}
	if b := m.Reallocate(8<<20 + 1); b != nil || !m.refused {
		t.Errorf("%d bytes, refused %v", len(b), m.refused)
	}
	m.Free()
	m.Free()
	if m.all != nil || m.stop() {
		t.Error("it is still there")
	}
}

// endless is a module whose decode never returns:
//
//	(memory 1) (global (mut i32) (i32.const 0)) (func (export "decode") (loop (br 0)))
var endless = []byte("\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x05\x03\x01\x00\x01" + "\x06\x06\x01\x7f\x01\x41\x00\x0b" +
	"\x07\x0a\x01\x06decode\x00\x00" + "\x0a\x09\x01\x07\x00\x03\x40\x0c\x00\x0b\x0b")

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEndlessCodeIsStopped(t *testing.T) {
	t.Parallel()
	e := &engine{}
	defer e.close(context.Background())
	ctx, cancel := context.WithCancel(t.Context())
	spin := library{"endless", gzipped(t, endless), func(s *sandbox, _ *file, _ Limits) (Image, error) {
		go func() {
			for range 3 { // the module must let these run
				runtime.GC()
			}
			cancel()
		}()
		_, err := s.call("decode")
		return Image{}, err
	}}
	if _, err := e.decode(ctx, spin, &file{}, roomy); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Damaged files are refused, or give a picture within the limits.
func TestDamage(t *testing.T) {
	t.Parallel()
	d := newDecoder(t, Limits{Memory: 64 << 20, Pixels: 1e6, Time: 20 * time.Second})
	random := rand.New(rand.NewPCG(7, 7))
	for _, name := range []string{"plain.heic", "plain.avif", "alpha.heic", "alpha.avif", "turned.avif", "ten.heic"} {
		whole := sample(t, name)
		for n := 0; n < len(whole); n += 1 + len(whole)/20 {
			if m, err := d.decodeBytes(t.Context(), whole[:n]); err == nil {
				t.Errorf("%s cut to %d bytes: %v", name, n, m.Bounds())
			}
		}
		for range 40 {
			b := bytes.Clone(whole)
			for range 1 + random.IntN(8) {
				b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
			}
			checkAny(t, d, b)
		}
	}
}

// checkAny decodes what may be anything.
func checkAny(t *testing.T, d *Decoder, b []byte) {
	t.Helper()
	m, err := d.decodeBytes(t.Context(), b)
	switch {
	case err == nil:
		if n := m.Bounds().Dx() * m.Bounds().Dy(); n <= 0 || int64(n) > d.limits.Pixels {
			t.Errorf("%v", m.Bounds())
		}
		m.Picture(64)
	case errors.Is(err, imaging.ErrUndecodable), errors.Is(err, imaging.ErrTooManyPixels), errors.Is(err, ErrSlow):
	default:
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	d := newDecoder(f, Limits{Memory: 64 << 20, Pixels: 1e6, Time: 20 * time.Second})
	for _, name := range []string{"plain.heic", "plain.avif", "alpha.heic", "alpha.avif", "grey.heic", "odd.avif", "turned.heic"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkAny(t, d, b) })
}

// FuzzCoded puts anything where the coded picture lies, in sound boxes.
func FuzzCoded(f *testing.F) {
	d := newDecoder(f, Limits{Memory: 64 << 20, Pixels: 1e6, Time: 20 * time.Second})
	var files [][]byte
	for _, name := range []string{"plain.heic", "plain.avif"} {
		b := sample(f, name)
		at := bytes.Index(b, []byte("mdat")) + 4
		f.Add(b[at:])
		files = append(files, b[:at])
	}
	f.Fuzz(func(t *testing.T, coded []byte) {
		for _, boxes := range files {
			checkAny(t, d, slices.Concat(boxes, coded, make([]byte, 512)))
		}
	})
}

func FuzzFullRange(f *testing.F) {
	for _, name := range []string{"plain.heic", "limited.heic"} {
		b := sample(f, name)
		at := bytes.Index(b, []byte("hvcC")) + 4
		if got := fullRange(b[at:]); got != (name == "plain.heic") {
			f.Errorf("%s: full range is %v", name, got)
		}
		f.Add(b[at:])
	}
	f.Fuzz(func(_ *testing.T, b []byte) { fullRange(b) })
}

func TestLimitedRange(t *testing.T) {
	t.Parallel()
	m := &image.YCbCr{Y: []uint8{16, 126, 235}, Cb: []uint8{16, 128, 240}, Cr: []uint8{240, 128, 16}}
	stretch(m)
	if got, want := slices.Concat(m.Y, m.Cb, m.Cr), []uint8{0, 128, 255, 0, 128, 255, 255, 128, 0}; !slices.Equal(got, want) {
		t.Errorf("%d, want %d", got, want)
	}
}

func TestModulesAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("wasm/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range [][]byte{libheifModule, libavifModule} {
		if sum := fmt.Sprintf("%x", sha256.Sum256(module)); !bytes.Contains(table, []byte(sum)) {
			t.Errorf("a module of SHA-256 %s is not in wasm/README.md", sum)
		}
	}
	for _, bad := range []string{"", "\x00asm\x01\x00\x00\x00\x0a", "\x00asm\x01\x00\x00\x00\x0a\x05\x01\x03\x00\xff\x0b"} {
		if _, err := interruptible([]byte(bad)); !errors.Is(err, errWasm) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
