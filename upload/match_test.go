package upload_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/image/draw"

	"inlet/catalog"
	"inlet/link"
	"inlet/upload"
)

// scene is a picture of discs of light, with enough in it to be told from those
// of other seeds.
func scene(seed uint64, w, h int) *image.RGBA {
	chance := rand.New(rand.NewPCG(seed, 1))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(color.Gray{90}), image.Point{}, draw.Src)
	for range 90 {
		cx, cy, r := chance.Float64(), chance.Float64(), 0.02+0.2*chance.Float64()
		c := color.RGBA{uint8(40 + chance.IntN(180)), uint8(40 + chance.IntN(180)), uint8(40 + chance.IntN(180)), 255}
		for y := range h {
			for x := range w {
				dx, dy := float64(x)/float64(w)-cx, (float64(y)/float64(h)-cy)*float64(h)/float64(w)
				if dx*dx+dy*dy < r*r {
					m.SetRGBA(x, y, c)
				}
			}
		}
	}
	return m
}

func scaled(m image.Image, w, h int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(out, out.Rect, m, m.Bounds(), draw.Src, nil)
	return out
}

func asJPEG(m image.Image, quality int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func asPNG(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// later remembers what was enqueued.
type later struct {
	mu       sync.Mutex
	decodes  []uuid.UUID
	pairs    [][2]uuid.UUID
	features []uuid.UUID
}

func (l *later) QueueFeatures(_ *pgx.Batch, id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.features = append(l.features, id)
}

func (l *later) Decode(_ context.Context, _ pgx.Tx, id uuid.UUID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decodes = append(l.decodes, id)
	return nil
}

func (l *later) Compare(_ context.Context, _ pgx.Tx, pairs [][2]uuid.UUID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pairs = append(l.pairs, pairs...)
	return nil
}

// near lists what a picture is near to.
func (f *fixture) near(t testing.TB, id uuid.UUID) []uuid.UUID {
	t.Helper()
	rows, err := f.pool.Query(t.Context(), `SELECT other_id FROM near WHERE image_id = $1 ORDER BY distance`, id)
	if err != nil {
		t.Fatal(err)
	}
	others, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		t.Fatal(err)
	}
	return others
}

func TestCopies(t *testing.T) {
	t.Parallel()
	original := scene(1, 640, 480)
	touched := scene(1, 640, 480)
	draw.Draw(touched, image.Rect(300, 200, 320, 220), image.NewUniform(color.White), image.Point{}, draw.Src)
	tests := []struct {
		name string
		data []byte
		want upload.Status
		near bool
	}{
		{"re-encoded", asJPEG(original, 70), upload.Duplicate, false},
		{"scaled", asJPEG(scaled(original, 480, 360), 85), upload.Duplicate, false},
		{"converted", asPNG(scaled(original, 320, 240)), upload.Duplicate, false},
		{"larger", asJPEG(scaled(original, 960, 720), 90), upload.Stored, true},
		{"changed", asJPEG(touched, 92), upload.Stored, true},
		{"another", asJPEG(scene(2, 640, 480), 92), upload.Stored, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			first := f.send(t, "original", asJPEG(original, 92))
			r := f.send(t, "sent", test.data)
			if r.Status != test.want {
				t.Fatalf("got %+v", r)
			}
			if test.want == upload.Duplicate {
				if r.ID != first.ID || r.Match != catalog.MatchPerceptual || r.Distance == nil {
					t.Errorf("got %+v", r)
				}
				if again := f.send(t, "again", test.data); again.ID != first.ID {
					t.Errorf("sent again it is %+v", again)
				}
			}
			if got := f.near(t, first.ID); len(got) > 0 != test.near || test.near && got[0] != r.ID {
				t.Errorf("the stored picture is near to %v", got)
			}
			if got := f.near(t, r.ID); r.ID != first.ID && len(got) > 0 != test.near {
				t.Errorf("the picture that was sent is near to %v", got)
			}
			f.clean(t)
		})
	}
}

func TestMostPixelsThenOldest(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	m := scene(3, 640, 480)
	small := f.send(t, "small", asJPEG(scaled(m, 320, 240), 90))
	large := f.send(t, "large", asJPEG(m, 90))
	if small.Status != upload.Stored || large.Status != upload.Stored {
		t.Fatalf("got %+v and %+v", small, large)
	}
	if r := f.send(t, "copy", asJPEG(scaled(m, 300, 225), 85)); r.ID != large.ID {
		t.Errorf("got %+v, want the one with the most pixels, %s", r, large.ID)
	}
}

func TestExactTakesOnlyTheSameBytes(t *testing.T) {
	t.Parallel()
	f := setUp(t, func(o *options) { o.Exact = true })
	data := asPNG(scene(4, 320, 240))
	first := f.send(t, "a", data)
	for name, other := range map[string][]byte{"metadata": withComment(data, "other"), "re-encoded": asJPEG(scene(4, 320, 240), 90)} {
		if r := f.send(t, name, other); r.Status != upload.Stored {
			t.Errorf("%s: got %+v", name, r)
		}
	}
	if r := f.send(t, "again", data); r.Match != catalog.MatchExact || r.ID != first.ID {
		t.Errorf("got %+v", r)
	}
	if near := f.near(t, first.ID); len(near) != 2 {
		t.Errorf("near to %v", near)
	}
}

func TestCopiesOfOtherLinksAreOthers(t *testing.T) {
	t.Parallel()
	f := setUp(t, func(o *options) { o.ScopeByLink = true })
	m := scene(5, 320, 240)
	f.send(t, "a", asJPEG(m, 92))
	other := f.Accept(t.Context(), sender(link.Grant{ID: "another"}), "b", bytes.NewReader(asJPEG(m, 80)))
	if other.Status != upload.Stored || len(f.near(t, other.ID)) > 0 {
		t.Errorf("got %+v, near %v", other, f.near(t, other.ID))
	}
}

func movie(last uint64, frames int) []byte {
	g := &gif.GIF{}
	for i := range frames {
		seed := uint64(10)
		if i == frames-1 {
			seed = last
		}
		p := image.NewPaletted(image.Rect(0, 0, 160, 120), grey())
		draw.Draw(p, p.Rect, scene(seed, 160, 120), image.Point{}, draw.Src)
		g.Image, g.Delay = append(g.Image, p), append(g.Delay, 20)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func grey() (p color.Palette) {
	for i := range 64 {
		p = append(p, color.Gray{uint8(4 * i)})
	}
	return p
}

func TestAnimations(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	first := f.send(t, "first", movie(11, 3))
	looped := movie(11, 3)
	looped = append(bytes.Clone(looped[:len(looped)-1]), 0x21, 0xff, 11, 'N', 'E', 'T', 'S', 'C', 'A', 'P', 'E', '2', '.', '0', 3, 1, 0, 0, 0, 0x3b)
	if r := f.send(t, "loop", looped); r.ID != first.ID || r.Match != catalog.MatchPerceptual {
		t.Errorf("the same frames with another loop: %+v", r)
	}
	for name, data := range map[string][]byte{
		"other end": movie(12, 3), "more frames": movie(11, 4), "still": asPNG(scene(10, 160, 120)),
	} {
		if r := f.send(t, name, data); r.Status != upload.Stored {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
