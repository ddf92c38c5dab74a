package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// pair is two pictures that Inlet must never merge.
type pair struct {
	kind, name string
	a, b       image.Image
}

// documents makes pages and screens that differ in a word or a number.
func documents(each func(pair)) {
	for seed := range uint64(4) {
		for _, size := range []float64{13, 16, 24, 40} {
			w, h := 900, 1270
			if size > 20 {
				w, h = 1240, 1754
			}
			clean := page(seed, w, h, size, -1, false)
			place := 20 + int(seed)*5
			for _, digit := range []bool{false, true} {
				what := "word"
				if digit {
					what = "digit"
				}
				changed := page(seed, w, h, size, place/5*5, digit)
				each(pair{"page, one " + what, fmt.Sprintf("%g px, #%d", size, seed), clean, changed})
				if size > 13 {
					for _, noise := range []float64{2, 6} {
						each(pair{
							"page photographed, one " + what, fmt.Sprintf("%g px, noise %g, #%d", size, noise, seed),
							photographed(clean, seed, noise), photographed(changed, seed+uint64(noise)/4, noise),
						})
					}
				}
			}
		}

		a, b := fmt.Sprint(31+seed, ".", 3), fmt.Sprint(31+seed, ".", 8)
		each(pair{"screen, one number", fmt.Sprintf("#%d", seed), screen(seed, 1280, 800, a), screen(seed, 1280, 800, b)})
		each(pair{"screen, one number", fmt.Sprintf("large, #%d", seed), screen(seed, 1920, 1080, a), screen(seed, 1920, 1080, b)})
	}
}

// blanks makes plain pictures with small differences.
func blanks(each func(pair)) {
	plain := func(g uint8, dx, dy float64) image.Image {
		return mapped(image.NewRGBA(image.Rect(0, 0, 800, 600)), func(x, y int, _, _, _ float64) (float64, float64, float64) {
			v := float64(g) + dx*float64(x) + dy*float64(y)
			return v, v, v
		})
	}

	all := []image.Image{plain(255, 0, 0), plain(254, 0, 0), plain(0, 0, 0), plain(128, 0, 0), plain(0, .3, 0), plain(0, 0, .4), plain(10, .29, 0), plain(20, .1, .2), plain(240, -.25, 0)}
	for i := range all {
		for j := range i {
			each(pair{"blanks and gradients", fmt.Sprintf("%d, %d", i, j), all[i], all[j]})
		}
	}
}

// photos makes changes to a photo that make it another picture.
func photos(name string, m image.Image, each func(pair)) {
	r := rand.New(rand.NewPCG(uint64(len(name)), 5))
	base := mapped(m, func(_, _ int, r, g, b float64) (float64, float64, float64) { return r, g, b })
	w, h := base.Rect.Dx(), base.Rect.Dy()
	add := func(what string, b image.Image) { each(pair{what, name, base, b}) }

	for _, part := range []float64{0.05, 0.02} {
		dx := int(part * float64(w))
		view := image.Rect(0, 0, w-dx, h)
		each(pair{fmt.Sprintf("shifted %g%%", 100*part), name, base.SubImage(view), base.SubImage(view.Add(image.Pt(dx, 0)))})
	}

	for _, gain := range []float64{0.6, 0.8, 1.25} {
		add(fmt.Sprintf("exposure ×%g", gain), mapped(base, func(_, _ int, r, g, b float64) (float64, float64, float64) {
			return r * gain, g * gain, b * gain
		}))
	}

	mirrored := image.NewRGBA(base.Rect)
	for y := range h {
		for x := range w {
			mirrored.SetRGBA(w-1-x, y, base.RGBAAt(x, y))
		}
	}

	add("mirrored", mirrored)
	for _, degrees := range []float64{30, 90} {
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		add(fmt.Sprintf("hue turned %g°", degrees), mapped(base, func(_, _ int, r, g, b float64) (float64, float64, float64) {
			y := 0.299*r + 0.587*g + 0.114*b
			u, v := 0.564*(b-y), 0.713*(r-y)
			u, v = u*cos-v*sin, u*sin+v*cos

			return y + 1.403*v, y - 0.344*u - 0.714*v, y + 1.773*u
		}))
	}

	object := func(shade func(color.RGBA) color.RGBA) image.Image {
		out := image.NewRGBA(base.Rect)
		draw.Draw(out, out.Rect, base, image.Point{}, draw.Src)
		radius := math.Sqrt(0.003 * float64(w*h) / math.Pi)
		cx, cy := radius+r.Float64()*(float64(w)-2*radius), radius+r.Float64()*(float64(h)-2*radius)
		disc(out, cx, cy, radius, radius, shade(base.RGBAAt(int(cx), int(cy))))

		return out
	}

	for range 2 {
		add("object of 0.3%", object(func(c color.RGBA) color.RGBA {
			return color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		}))
		add("object of 0.3%, nearly as its ground", object(func(c color.RGBA) color.RGBA {
			return color.RGBA{apart(c.R), apart(c.G), apart(c.B), 255}
		}))
	}

	for _, cut := range []float64{0.1, 0.03, 0.01} {
		dx, dy := int(cut*float64(w)), int(cut*float64(h))
		add(fmt.Sprintf("cropped by %g%%", 100*cut), base.SubImage(image.Rect(dx, dy, w-dx, h-dy)))
	}
}

// apart is 25 grey levels brighter, or darker where brighter would be clipped.
func apart(v uint8) uint8 {
	if v > 255-25 {
		return v - 25
	}

	return v + 25
}

// form is the encoding of a pair's second picture.
type form struct {
	quality int
	part    float64 // of its size
}

func forms() []form { return []form{{95, 1}, {60, 1}, {30, 1}, {90, .75}, {90, .5}, {90, .25}} }

func asJPEG(m image.Image, quality int, part float64) []byte {
	if part < 1 {
		m = scaled(m, part)
	}

	var b bytes.Buffer
	_ = jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}) // a buffer does not fail

	return b.Bytes()
}
