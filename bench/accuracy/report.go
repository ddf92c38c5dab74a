package main

import (
	"bytes"
	"fmt"
	"image"
	"path/filepath"
	"time"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
)

// progress is said after so many pairs.
const progress = 250

// report counts, and prints as it goes.
type report struct {
	explain       bool
	pairs, merged int
}

// recall makes a copy of each photo and looks whether it is recognised.
func (r *report) recall(t transform, photos []*file, tool, keep string) {
	same, all := 0, 0
	var took time.Duration
	for _, f := range photos {
		data, err := t.apply(tool, f.name, keep)
		if err != nil {
			fmt.Println(err)
			continue
		}
		sent, err := load(t.name, data)
		if err != nil {
			fmt.Printf("%s of %s: %v\n", t.name, f.name, err)
			continue
		}
		started := time.Now()
		v, err := judge(f, sent)
		took += time.Since(started)
		if err != nil {
			fmt.Println(err)
		}
		all++
		if v.Kind == fingerprint.Same {
			same++
		}
		if v.Kind != fingerprint.Same || r.explain {
			fmt.Printf("  %s of %s: %v at %d%s\n", t.name, filepath.Base(f.name), v.Kind, v.Distance, r.why(f, sent))
		}
	}
	if all == 0 {
		return
	}
	mark := ""
	if float64(same) < t.bar*float64(all) {
		mark = fmt.Sprintf("  below %.0f%%", 100*t.bar)
	}
	fmt.Printf("%-20s %4d of %4d  %5.1f%%  %6.1f ms to verify%s\n", t.name, same, all,
		100*float64(same)/float64(all), float64(took.Milliseconds())/float64(all), mark)
}

func (r *report) why(a, b *file) string {
	if !r.explain {
		return ""
	}
	pa, errA := a.picture(fingerprint.FullSide, false)
	pb, errB := b.picture(fingerprint.FullSide, false)
	if errA != nil || errB != nil {
		return ""
	}
	return ": " + fingerprint.Explain(pa, pb)
}

// distinct compares all photos with each other, but for those whose names say
// that they are copies.
func (r *report) distinct(photos []*file) {
	for i, a := range photos {
		for _, b := range photos[:i] {
			if stem(a.name) != stem(b.name) {
				r.mustDiffer("two photos", a, b)
			}
		}
	}
}

// never compares a pair, the second picture in several forms.
func (r *report) never(p pair) {
	a, err := load("", asJPEG(p.a, 95, 1))
	if err != nil {
		fmt.Printf("%s: %v\n", p.name, err)
		return
	}
	for _, f := range forms() {
		b, err := load("", asJPEG(p.b, f.quality, f.part))
		if err != nil {
			fmt.Printf("%s: %v\n", p.name, err)
			return
		}
		r.mustDiffer(fmt.Sprintf("%s, sent as %g%% q%d", p.name, 100*f.part, f.quality), a, b)
	}
}

func (r *report) mustDiffer(what string, a, b *file) {
	v, err := judge(a, b)
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
	}
	if r.pairs++; r.pairs%progress == 0 {
		fmt.Printf("%d pairs, %d merged\n", r.pairs, r.merged)
	}
	if v.Kind == fingerprint.Same {
		r.merged++
		fmt.Printf("FALSE MERGE: %s (%s, %s)%s\n", what, a.name, b.name, r.why(a, b))
	}
}

// changes makes other pictures of made scenes and of some photos.
func (r *report) changes(originals []*file) {
	for i := range uint64(scenes) {
		photos(fmt.Sprintf("scene %d", i), scene(i, 1200, 900), r.never)
	}
	const apart, largest = 5, 2000
	for i, f := range originals {
		if i%apart != 0 || f.info.Format != imaging.JPEG || max(f.info.Width, f.info.Height) > largest {
			continue
		}
		if m, _, err := image.Decode(bytes.NewReader(f.data)); err == nil {
			photos(filepath.Base(f.name), m, r.never)
		}
	}
}
