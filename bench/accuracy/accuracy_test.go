package main

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"

	"inlet/imaging/fingerprint"
)

// changed is the share of pixels that differ by more than noise.
func changed(a, b image.Image) float64 {
	ra, rb := a.Bounds(), b.Bounds()
	if ra.Size() != rb.Size() {
		return 1
	}

	n := 0
	for y := range ra.Dy() {
		for x := range ra.Dx() {
			r0, g0, b0, _ := a.At(ra.Min.X+x, ra.Min.Y+y).RGBA()
			r1, g1, b1, _ := b.At(rb.Min.X+x, rb.Min.Y+y).RGBA()
			for _, d := range []int{int(r0>>8) - int(r1>>8), int(g0>>8) - int(g1>>8), int(b0>>8) - int(b1>>8)} {
				if d > 15 || d < -15 {
					n++
					break
				}
			}
		}
	}

	return float64(n) / float64(ra.Dx()*ra.Dy())
}

// An equal pair would be a false alarm; one that differs all over proves nothing.
func TestPagesDifferInOneWord(t *testing.T) {
	t.Parallel()
	for _, digit := range []bool{false, true} {
		a, b := page(1, 400, 500, 16, -1, false), page(1, 400, 500, 16, 5, digit)
		if part := changed(a, b); part == 0 || part > 0.01 {
			t.Errorf("digit %v: %.4f of the page is changed", digit, part)
		}
	}

	if part := changed(screen(1, 640, 400, "31.3"), screen(1, 640, 400, "31.8")); part == 0 || part > 0.001 {
		t.Errorf("%.5f of the screen is changed", part)
	}
}

func TestOtherPhotosAreOther(t *testing.T) {
	t.Parallel()
	n := 0
	photos("white", blank(200, 150), func(p pair) {
		n++
		if p.kind == "object of 0.3%, nearly as its ground" {
			if part := changed(p.a, p.b); part < 0.002 || part > 0.004 {
				t.Errorf("%s: %.4f of the picture", p.kind, part)
			}
		}
	})

	photos("scene", scene(1, 200, 150), func(p pair) {
		n++
		if changed(p.a, p.b) == 0 {
			t.Errorf("%s changes nothing", p.kind)
		}
	})

	if n < 20 {
		t.Errorf("%d pairs", n)
	}
}

// One photo takes all steps, with copies made without ImageMagick.
func TestReport(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	r := &report{judge: newJudge(), out: &out, progress: &progress, groups: map[string]*group{}}
	m := scene(3, 800, 600)
	whole := asJPEG(m, 92, 1)
	name := filepath.Join(t.TempDir(), "scene.jpg")
	f, err := r.load(name, whole)
	if err != nil {
		t.Fatal(err)
	}

	kept := t.TempDir()
	for copied, data := range map[string][]byte{"a copy": asJPEG(m, 75, .75), "another": asJPEG(scene(4, 800, 600), 92, 1)} {
		if err := os.WriteFile(filepath.Join(kept, "scene.jpg."+copied+".jpg"), data, 0o600); err != nil {
			t.Fatal(err)
		}

		r.recall(transform{name: copied, ext: "jpg", bar: 1}, []*file{f}, "false", kept)
	}

	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 2 || bytes.Count(out.Bytes(), []byte(" ok ")) != 1 || bytes.Count(out.Bytes(), []byte("BELOW")) != 1 || r.err() != nil {
		t.Errorf("%v\n%s", r.err(), &out)
	}

	r.mustDiffer("a copy", "itself", f, f)
	r.animations()
	r.merges()
	if r.merged != 1 || r.err() == nil || !bytes.Contains(out.Bytes(), []byte("FALSE MERGE: a copy: itself")) {
		t.Errorf("%d merged, %v\n%s", r.merged, r.err(), &out)
	}
	if g := r.groups["animations with the same first frame"]; g == nil || g.pairs != 4 || g.merged != 0 {
		t.Errorf("animations: %+v\n%s", g, &progress)
	}
}

func TestAnimationIsACopyOfItself(t *testing.T) {
	t.Parallel()
	j := newJudge()
	frames := []image.Image{scene(1, 400, 300), scene(2, 400, 300), scene(3, 400, 300)}
	a, err := j.load("a", asGIF(frames))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := j.compare(a, a); err != nil || v.Kind != fingerprint.Match {
		t.Errorf("%v, %v", v, err)
	}
}

func blank(w, h int) image.Image {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = 255
	}

	return m
}
