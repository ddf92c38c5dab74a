package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
)

// animations compares animations that share their first frame.
func (r *report) animations() {
	const w, h = 400, 300
	frames := make([]image.Image, 5)
	for i := range frames {
		frames[i] = scene(uint64(100+i), w, h)
	}

	usual := frames[:4]
	for _, other := range []struct {
		name   string
		frames []image.Image
	}{
		{"another middle", []image.Image{frames[0], frames[1], frames[4], frames[3]}},
		{"another last frame", []image.Image{frames[0], frames[1], frames[2], frames[4]}},
		{"a frame more", frames},
		{"a still of the first", frames[:1]},
	} {
		a, err := r.load("animation", asGIF(usual))
		if err != nil {
			fmt.Fprintln(r.progress, err)
			return
		}

		b, err := r.load(other.name, asGIF(other.frames))
		if err != nil {
			fmt.Fprintln(r.progress, err)
			return
		}

		r.mustDiffer("animations with the same first frame", other.name, a, b)
	}
}

func asGIF(frames []image.Image) []byte {
	g := gif.GIF{}
	for _, m := range frames {
		p := image.NewPaletted(m.Bounds(), palette.Plan9)
		draw.Draw(p, p.Rect, m, m.Bounds().Min, draw.Src)
		g.Image, g.Delay = append(g.Image, p), append(g.Delay, 10)
	}

	var b bytes.Buffer
	_ = gif.EncodeAll(&b, &g) // a buffer does not fail

	return b.Bytes()
}
