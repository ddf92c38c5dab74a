package fingerprint

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// landscape draws something with large and small shapes.
func landscape(seed uint64, w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 7))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	var phase, cos, sin [12]float64
	for i := range phase {
		phase[i] = r.Float64() * 6
		cos[i], sin[i] = math.Cos(phase[i]), math.Sin(phase[i])
	}
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			s := 0.0
			for i, p := range phase {
				f := float64(i + 2)
				s += 80 / f * math.Sin(f*(u*cos[i]*3+v*sin[i]*3)+p*f)
			}
			m.SetRGBA(x, y, color.RGBA{grey(128 + s), grey(110 + s*0.8), grey(90 + 0.9*s + 30*v), 255})
		}
	}
	for range 12 {
		cx, cy, size := r.IntN(w), r.IntN(h), 10+r.IntN(w/10)
		c := color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		paint(m, image.Rect(cx, cy, cx+size, cy+size), c)
	}
	return m
}

func grey(v float64) uint8 { return uint8(min(255, max(0, v))) }

func paint(m *image.RGBA, r image.Rectangle, c color.RGBA) {
	r = r.Intersect(m.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		line := m.Pix[m.PixOffset(r.Min.X, y):]
		for x := range r.Dx() {
			copy(line[4*x:], []uint8{c.R, c.G, c.B, c.A})
		}
	}
}

func changed(m *image.RGBA, f func(*image.RGBA)) *image.RGBA {
	out := &image.RGBA{Pix: bytes.Clone(m.Pix), Stride: m.Stride, Rect: m.Rect}
	f(out)
	return out
}

// coded is what a JPEG's coder made of a picture.
type coded struct {
	image.Image
	quant *Quantisation
}

func recodedAt(t testing.TB, m image.Image, quality int) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	// The encoder's first table follows the first marker; it is stored along the
	// diagonals.
	table := b.Bytes()[7:]
	q, at := new(Quantisation), 0
	for sum := range 2*blockSide - 1 {
		for i := max(0, sum-blockSide+1); i <= min(sum, blockSide-1); i++ {
			x, y := i, sum-i
			if sum%2 != 0 {
				x, y = y, x
			}
			q[y*blockSide+x] = uint16(table[at])
			at++
		}
	}
	out, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return coded{out, q}
}

// half averages 2×2 pixels.
func half(m *image.RGBA) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.Rect.Dx()/2, m.Rect.Dy()/2))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			above, below := m.Pix[m.PixOffset(2*x, 2*y):][:8], m.Pix[m.PixOffset(2*x, 2*y+1):][:8]
			for c := range 4 {
				sum := int(above[c]) + int(above[c+4]) + int(below[c]) + int(below[c+4])
				out.Pix[out.PixOffset(x, y)+c] = uint8((sum + 2) / 4)
			}
		}
	}
	return out
}

func pictureOf(m image.Image, orientation int) *Picture {
	b := m.Bounds()
	f := Frame{Width: b.Dx(), Height: b.Dy(), Scale: 1, Orientation: orientation, Side: FullSide}
	if c, ok := m.(coded); ok {
		m, f.Quant = c.Image, c.quant
	}
	return New(m, f)
}

// verdict compares as an upload does.
func verdict(t testing.TB, a, b *Picture) Kind {
	t.Helper()
	stored, _, oka := Of(a)
	sent, probes, okb := Of(b)
	if !oka || !okb {
		return Different
	}
	if !slices.ContainsFunc(stored.Hash.Bands(), func(k int32) bool { return slices.Contains(probes, k) }) {
		return Different
	}
	if v := Compare(stored, sent); v.Kind != Undecided {
		return v.Kind
	}
	return Verify(a, b)
}

func TestCopiesAreTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		m := landscape(seed, 640, 480)
		whole := pictureOf(m, 1)
		for name, copied := range map[string]image.Image{
			"itself": m, "q95": recodedAt(t, m, 95), "q75": recodedAt(t, m, 75), "q50": recodedAt(t, m, 50),
			"q30": recodedAt(t, m, 30), "half": recodedAt(t, half(m), 90), "quarter": recodedAt(t, half(half(m)), 90),
		} {
			if got := verdict(t, whole, pictureOf(copied, 1)); got != Match {
				t.Errorf("scene %d, %s: %v", seed, name, got)
			}
		}
	}
}

func TestOthersAreNotTheSame(t *testing.T) {
	t.Parallel()
	m := landscape(1, 640, 480)
	whole := pictureOf(m, 1)
	each := func(f func(p []uint8)) image.Image {
		return changed(m, func(m *image.RGBA) {
			for i := 0; i < len(m.Pix); i += 4 {
				f(m.Pix[i : i+4])
			}
		})
	}
	for name, other := range map[string]image.Image{
		"another":  landscape(2, 640, 480),
		"object":   changed(m, func(m *image.RGBA) { paint(m, image.Rect(300, 200, 330, 230), color.RGBA{0, 0, 0, 255}) }),
		"faint":    changed(m, func(m *image.RGBA) { paint(m, image.Rect(20, 30, 50, 60), color.RGBA{90, 90, 90, 255}) }),
		"exposure": each(func(p []uint8) { p[0], p[1], p[2] = p[0]/5*3, p[1]/5*3, p[2]/5*3 }),
		"hue":      each(func(p []uint8) { p[0], p[1], p[2] = p[1], p[2], p[0] }),
		"shifted":  m.SubImage(image.Rect(0, 0, 608, 480)),
		"cropped":  m.SubImage(image.Rect(20, 15, 620, 465)),
		"blank":    image.NewGray(image.Rect(0, 0, 640, 480)),
		"tiny":     image.NewGray(image.Rect(0, 0, 1, 1)),
	} {
		for _, quality := range []int{95, 40} {
			if got := verdict(t, whole, pictureOf(recodedAt(t, other, quality), 1)); got == Match {
				t.Errorf("%s at q%d is taken for a copy", name, quality)
			}
		}
	}
	if got := verdict(t, whole, pictureOf(m, 2)); got == Match {
		t.Error("mirrored is taken for a copy")
	}
}

// A page whose words are random strokes, one of which is another.
func TestDocuments(t *testing.T) {
	t.Parallel()
	sheet := func(other int) *image.RGBA {
		r := rand.New(rand.NewPCG(3, 3))
		m := image.NewRGBA(image.Rect(0, 0, 640, 800))
		paint(m, m.Rect, color.RGBA{255, 255, 255, 255})
		n := 0
		for y := 40; y < 760; y += 18 {
			for x := 40; x < 600; x += 9 {
				shape := r.IntN(1 << 15)
				if n == other {
					shape ^= 1 << 7
				}
				for i := range 15 {
					if shape>>i&1 != 0 {
						paint(m, image.Rect(x+i%3*2, y+i/3*2, x+i%3*2+2, y+i/3*2+2), color.RGBA{0, 0, 0, 255})
					}
				}
				n++
			}
		}
		return m
	}
	a := pictureOf(sheet(-1), 1)
	if got := verdict(t, a, pictureOf(recodedAt(t, sheet(-1), 90), 1)); got != Match {
		t.Errorf("a copy is %v", got)
	}
	for _, place := range []int{0, 100, 555, 1000} {
		b := sheet(place)
		for name, m := range map[string]image.Image{"as it is": b, "q75": recodedAt(t, b, 75), "q40": recodedAt(t, b, 40), "half": recodedAt(t, half(b), 90)} {
			if got := verdict(t, a, pictureOf(m, 1)); got == Match {
				t.Errorf("glyph %d, %s, is taken for a copy", place, name)
			}
		}
	}
}

func TestReducedPicturesAreNeverTheSame(t *testing.T) {
	t.Parallel()
	m := landscape(1, 700, 500)
	small := New(m, Frame{Width: 700, Height: 500, Scale: 1, Side: Side})
	if small.Whole || small.Luma.W != Side {
		t.Fatalf("whole %v, %d wide", small.Whole, small.Luma.W)
	}
	if got := Verify(small, small); got != Undecided {
		t.Errorf("got %v, want undecided", got)
	}
	eighth := New(m, Frame{Width: 8 * 700, Height: 8 * 500, Scale: 8, Side: FullSide})
	if eighth.Whole {
		t.Error("an eighth is not the whole")
	}
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	m := landscape(4, 640, 480)
	// stored[o] is what a camera writes that shows m by orientation o.
	source := map[int]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return 639 - x, y },
		3: func(x, y int) (int, int) { return 639 - x, 479 - y },
		4: func(x, y int) (int, int) { return x, 479 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return 639 - y, x },
		7: func(x, y int) (int, int) { return 639 - y, 479 - x },
		8: func(x, y int) (int, int) { return y, 479 - x },
	}
	want := pictureOf(m, 1)
	for o, from := range source {
		size := m.Rect
		if o >= 5 {
			size = image.Rect(0, 0, 480, 640)
		}
		stored := image.NewRGBA(size)
		for y := range size.Dy() {
			for x := range size.Dx() {
				stored.SetRGBA(x, y, m.RGBAAt(from(x, y)))
			}
		}
		got := pictureOf(stored, o)
		if got.Width != 640 || got.Height != 480 || !bytes.Equal(got.Luma.Pix, want.Luma.Pix) {
			t.Errorf("orientation %d: not upright", o)
		}
		if v := verdict(t, want, got); v != Match {
			t.Errorf("orientation %d: %v", o, v)
		}
	}
}

func TestFractionalExtents(t *testing.T) {
	t.Parallel()
	// 5 samples of which 4.5 hold the picture; half a cell of garbage follows.
	p := reduceRows([]uint8{10, 10, 20, 20, 30}, 5, 5, 1, 4.5, 1, 3, 1)
	if want := []uint8{10, 17, 23}; !bytes.Equal(p.Pix, want) {
		t.Errorf("got %v, want %v", p.Pix, want)
	}
}

func TestKindsOfImages(t *testing.T) {
	t.Parallel()
	m := landscape(5, 320, 240)
	want := pictureOf(m, 1)
	nrgba := image.NewNRGBA(m.Rect)
	copy(nrgba.Pix, m.Pix)
	wide := image.NewRGBA64(m.Rect)
	for y := range 240 {
		for x := range 320 {
			wide.Set(x, y, m.At(x, y))
		}
	}
	for name, other := range map[string]image.Image{"NRGBA": nrgba, "RGBA64": wide} {
		if got := pictureOf(other, 1); !bytes.Equal(got.Luma.Pix, want.Luma.Pix) || !bytes.Equal(got.Cr.Pix, want.Cr.Pix) {
			t.Errorf("%s is read differently", name)
		}
	}
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		ycc, seeThrough := image.NewYCbCr(m.Rect, ratio), image.NewNYCbCrA(m.Rect, ratio)
		for y := range 240 {
			for x := range 320 {
				p := m.RGBAAt(x, y)
				l, cb, cr := color.RGBToYCbCr(p.R, p.G, p.B)
				for _, to := range []*image.YCbCr{ycc, &seeThrough.YCbCr} {
					to.Y[to.YOffset(x, y)], to.Cb[to.COffset(x, y)], to.Cr[to.COffset(x, y)] = l, cb, cr
				}
				seeThrough.A[seeThrough.AOffset(x, y)] = 255
			}
		}
		for _, other := range []image.Image{ycc, seeThrough} {
			if got := verdict(t, want, pictureOf(other, 1)); got != Match {
				t.Errorf("%v, %T: %v", ratio, other, got)
			}
		}
	}
	limited := &image.YCbCr{Y: []uint8{16, 235}, Cb: []uint8{128, 128}, Cr: []uint8{16, 240}, YStride: 2, CStride: 2, Rect: image.Rect(0, 0, 2, 1)}
	p := New(limited, Frame{Width: 2, Height: 1, Limited: true, Side: Side})
	if !bytes.Equal(p.Luma.Pix, []uint8{0, 255}) || !bytes.Equal(p.Cr.Pix, []uint8{1, 255}) {
		t.Errorf("limited range: %v %v", p.Luma.Pix, p.Cr.Pix)
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	slope := image.NewGray(image.Rect(0, 0, 400, 300))
	for y := range 300 {
		for x := range 400 {
			slope.SetGray(x, y, color.Gray{uint8((x + y) / 3)})
		}
	}
	for name, m := range map[string]image.Image{"blank": image.NewGray(image.Rect(0, 0, 400, 300)), "gradient": slope} {
		if _, _, ok := Of(pictureOf(m, 1)); ok {
			t.Errorf("a %s has a hash", name)
		}
	}
}

func TestStored(t *testing.T) {
	t.Parallel()
	p, _, _ := Of(pictureOf(landscape(7, 640, 480), 1))
	b, err := p.MarshalBinary()
	if err != nil || len(b) != Size {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	var back Fingerprint
	if err := back.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if v := Compare(p, &back); v.Kind != Undecided || v.Distance != 0 {
		t.Errorf("got %v", v)
	}
	for _, bad := range [][]byte{nil, b[1:], make([]byte, Size)} {
		if err := back.UnmarshalBinary(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

// FuzzCompare feeds anything that can be stored and any planes.
func FuzzCompare(f *testing.F) {
	f.Add([]byte("some samples of a picture"), uint16(20), uint16(100), uint16(70), uint16(30))
	f.Fuzz(func(t *testing.T, data []byte, aw, ah, bw, bh uint16) {
		if len(data) == 0 {
			return
		}
		fill := func(w, h int) *Picture {
			m := image.NewGray(image.Rect(0, 0, w, h))
			for i := range m.Pix {
				m.Pix[i] = data[i*7%len(data)]
			}
			return New(m, Frame{Width: w, Height: h, Scale: 1, Orientation: int(data[0]), Side: FullSide})
		}
		a, b := fill(1+int(aw)%200, 1+int(ah)%200), fill(1+int(bw)%200, 1+int(bh)%200)
		fa, _, oka := Of(a)
		fb, _, okb := Of(b)
		if oka && okb {
			Compare(fa, fb)
		}
		Verify(a, b)
	})
}
