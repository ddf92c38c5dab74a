package main

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"strings"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// scene makes a photo-like picture: sky, hills of fractal noise, ellipses.
func scene(seed uint64, w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	grain := fractal(r, w, h, 0.5+0.25*r.Float64())
	hue := [3]float64{0.6 + 0.6*r.Float64(), 0.6 + 0.6*r.Float64(), 0.6 + 0.6*r.Float64()}
	horizon := float64(h) * (0.1 + 0.5*r.Float64())
	depth := 30 + 60*r.Float64()
	for y := range h {
		for x := range w {
			v := grain[y*w+x]
			ridge := horizon + 0.15*float64(h)*grain[(h/2)*w+x]
			base, amp := 110+40*math.Sin(float64(y)/float64(h)*3), depth
			if float64(y) < ridge {
				base, amp = 200-60*float64(y)/float64(h), 8
			}
			p := m.Pix[m.PixOffset(x, y):]
			for c := range 3 {
				p[c] = clamp((base + amp*v) * hue[c])
			}
			p[3] = 255
		}
	}

	for range 4 + r.IntN(20) {
		c := color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		disc(m, r.Float64()*float64(w), r.Float64()*float64(h), (0.01+0.08*r.Float64())*float64(w), (0.01+0.08*r.Float64())*float64(w), c)
	}

	return m
}

// fractal is noise of all scales, about −1 to 1.
func fractal(r *rand.Rand, w, h int, rough float64) []float64 {
	out := make([]float64, w*h)
	amp := 1.0
	for cell := w / 2; cell >= 2; cell /= 2 {
		gw, gh := w/cell+2, h/cell+2
		grid := make([]float64, gw*gh)
		for i := range grid {
			grid[i] = amp * (2*r.Float64() - 1)
		}

		for y := range h {
			gy, fy := y/cell, float64(y%cell)/float64(cell)
			for x := range w {
				gx, fx := x/cell, float64(x%cell)/float64(cell)
				g := grid[gy*gw+gx:]
				top, bottom := g[0]*(1-fx)+g[1]*fx, g[gw]*(1-fx)+g[gw+1]*fx
				out[y*w+x] += top*(1-fy) + bottom*fy
			}
		}

		amp *= rough
	}

	return out
}

func clamp(v float64) uint8 { return uint8(min(255, max(0, v+0.5))) }

// disc draws an ellipse.
func disc(m *image.RGBA, cx, cy, rx, ry float64, c color.RGBA) {
	for y := int(cy - ry); y <= int(cy+ry); y++ {
		for x := int(cx - rx); x <= int(cx+rx); x++ {
			dx, dy := (float64(x)-cx)/rx, (float64(y)-cy)/ry
			if dx*dx+dy*dy <= 1 {
				m.SetRGBA(x, y, c)
			}
		}
	}
}

func words() []string {
	return strings.Fields("the invoice total amount paid by account number transfer of goods and service under this contract between " +
		"both parties dated in accordance with article section payment due within days after delivery no claim shall be made " +
		"unless written notice has been given to seller 2026 1487 30 15 4,200.00 318.50 7 19% order balance left right red blue")
}

func typeface(size float64) font.Face {
	if size <= 13 {
		return basicfont.Face7x13
	}

	f, _ := opentype.Parse(goregular.TTF) // the built-in font is valid
	face, _ := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})

	return face
}

func write(m draw.Image, face font.Face, x, y int, c color.Color, s string) int {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, y)}
	d.DrawString(s)
	return d.Dot.X.Ceil()
}

// page draws lines of words. The word number changed, or none for −1, is another
// one of about the same width.
func page(seed uint64, w, h int, size float64, changed int, digit bool) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 2))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	face, all := typeface(size), words()
	line := int(size * 1.5)
	n := 0
	for y := 2 * line; y < h-line; y += line {
		if r.IntN(7) == 0 {
			continue
		}

		for x := w / 12; x < w*10/12; {
			word := all[r.IntN(len(all))]
			if n%5 == 0 {
				word = string(rune('0'+r.IntN(10))) + string(rune('0'+r.IntN(10))) + string(rune('0'+r.IntN(10)))
			}
			next := x + font.MeasureString(face, word+" ").Ceil()
			if n == changed {
				word = other(word, digit)
			}
			write(m, face, x, y, color.RGBA{20, 20, 30, 255}, word)
			x = next
			n++
		}
	}

	return m
}

func other(word string, digit bool) string {
	if digit {
		b := []byte(word)
		i := len(b) / 2
		switch b[i] {
		case '3':
			b[i] = '8'
		case '1':
			b[i] = '7'
		case '5':
			b[i] = '6'
		default:
			b[i] = '0' + (b[i]+3)%10
		}

		return string(b)
	}

	return string([]byte("seldom carried around")[:min(len(word), 21)])
}

// screen draws numbers in boxes.
func screen(seed uint64, w, h int, number string) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 3))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{245, 246, 248, 255}), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(0, 0, w, h/12), image.NewUniform(color.RGBA{30, 60, 120, 255}), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(0, h/12, w/6, h), image.NewUniform(color.RGBA{225, 228, 235, 255}), image.Point{}, draw.Src)
	for i := range 24 {
		x, y := w/5+(i%4)*w/5, h/8+(i/4)*h/7
		draw.Draw(m, image.Rect(x, y, x+w/6, y+h/9), image.White, image.Point{}, draw.Src)
		text := "Total " + string(rune('0'+r.IntN(10))) + string(rune('0'+r.IntN(10))) + "." + string(rune('0'+r.IntN(10)))
		if i == 9 {
			text = "Total " + number
		}

		write(m, basicfont.Face7x13, x+8, y+20, color.RGBA{60, 60, 60, 255}, text)
	}

	return m
}

// photographed is a page as a camera takes it: at an angle, unevenly lit, noisy.
func photographed(page *image.RGBA, seed uint64, noise float64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 4))
	b := page.Bounds()
	m := image.NewRGBA(b)
	w, h := float64(b.Dx()), float64(b.Dy())
	for y := range b.Dy() {
		for x := range b.Dx() {
			u, v := float64(x)/w, float64(y)/h
			d := 1 + 0.15*v + 0.05*u
			sx, sy := (u*1.12-0.04+0.02*v)*d/1.08*w, (v*1.1-0.05+0.015*u)*d/1.05*h
			light := 0.95 - 0.35*u*v - 0.1*(1-v)
			p := m.Pix[m.PixOffset(x, y):]
			for c := range 3 {
				g := [3]float64{90, 70, 50}[c] + 15*math.Sin(sx/9)*math.Sin(sy/40)
				if sx >= 0 && sy >= 0 && sx < w-1 && sy < h-1 {
					g = bilinear(page, sx, sy, c)
				}
				p[c] = clamp(g*light + noise*r.NormFloat64())
			}
			p[3] = 255
		}
	}

	return m
}

func bilinear(m *image.RGBA, x, y float64, c int) float64 {
	ix, iy := int(x), int(y)
	fx, fy := x-float64(ix), y-float64(iy)
	o := m.PixOffset(ix, iy) + c
	p := func(o int) float64 { return float64(m.Pix[o]) }

	return (p(o)*(1-fx)+p(o+4)*fx)*(1-fy) + (p(o+m.Stride)*(1-fx)+p(o+m.Stride+4)*fx)*fy
}

// scaled is the picture at part of its size.
func scaled(m image.Image, part float64) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, int(float64(b.Dx())*part+0.5), int(float64(b.Dy())*part+0.5)))
	xdraw.CatmullRom.Scale(out, out.Rect, m, b, draw.Src, nil)

	return out
}

// mapped applies f to every pixel.
func mapped(m image.Image, f func(x, y int, r, g, b float64) (float64, float64, float64)) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, m, b.Min, draw.Src)
	for y := range b.Dy() {
		for x := range b.Dx() {
			p := out.Pix[out.PixOffset(x, y):]
			r, g, bl := f(x, y, float64(p[0]), float64(p[1]), float64(p[2]))
			p[0], p[1], p[2] = clamp(r), clamp(g), clamp(bl)
		}
	}

	return out
}
