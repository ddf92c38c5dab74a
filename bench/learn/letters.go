package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

const (
	glyphs     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	letterSide = 128 // pixels
	trainEach  = 110 // pictures of a glyph, in fonts to train on
	testEach   = 15  // and in others
)

// fontPackages are those whose fonts one trains on, and those of the unseen ones.
var fontPackages = [2][]string{
	{
		"fonts-dejavu-core", "fonts-lato", "fonts-cabin", "fonts-comic-neue", "fonts-crosextra-caladea", "fonts-dustin",
		"fonts-ebgaramond", "fonts-fantasque-sans", "fonts-goudybookletter", "fonts-inconsolata", "fonts-junicode", "fonts-jura",
		"fonts-lobstertwo", "fonts-open-sans", "fonts-play", "fonts-quicksand", "fonts-roboto-slab", "fonts-tuffy",
		"fonts-yanone-kaffeesatz", "fonts-averia-serif-gwf", "fonts-gnutypewriter", "fonts-breip",
	},
	{
		"fonts-liberation2", "fonts-linuxlibertine", "fonts-cantarell", "fonts-hack", "fonts-comfortaa", "fonts-dosis",
		"fonts-oldstandard", "fonts-vollkorn", "fonts-ubuntu-title", "fonts-humor-sans", "fonts-arapey", "fonts-league-spartan",
	},
}

// letters are capitals and digits, drawn in fonts; the tested ones in fonts that are
// not trained on.
func letters(p packages) (*set, error) {
	s := &set{
		name:  "letters and digits in unseen fonts, 36 classes",
		steps: []int{5, 20, 100},
		paper: [3][]float64{{50, 70, 78}, {38, 64, 79}, {46, 71, 81}},
	}

	for side, names := range fontPackages {
		fonts, err := p.fonts(names)
		if err != nil {
			return nil, err
		}
		each := trainEach
		if side == 1 {
			each = testEach
		}
		for class, glyph := range glyphs {
			for i := range each {
				read := func() ([]byte, error) {
					r := rand.New(rand.NewPCG(uint64(class), uint64(side*1000+i)))
					return drawGlyph(fonts[r.IntN(len(fonts))], glyph, r)
				}
				s.items = append(s.items, item{class: class, family: fmt.Sprint(side, class, i), test: side == 1, read: read})
			}
		}
	}
	for _, glyph := range glyphs {
		s.classes = append(s.classes, string(glyph))
	}

	return s, nil
}

// fonts reads the fonts that have all glyphs.
func (p packages) fonts(names []string) ([]*sfnt.Font, error) {
	var all []*sfnt.Font
	for _, name := range names {
		files, err := p.files(name, "usr/share/fonts", ".ttf", ".otf")
		if err != nil {
			return nil, err
		}
		for _, file := range spread(files, 6) {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			f, err := sfnt.Parse(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
			}
			if complete(f) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

func complete(f *sfnt.Font) bool {
	var b sfnt.Buffer
	for _, glyph := range glyphs {
		at, err := f.GlyphIndex(&b, glyph)
		if err != nil || at == 0 {
			return false
		}
		if segments, err := f.LoadGlyph(&b, at, fixed.I(100), nil); err != nil || len(segments) == 0 {
			return false
		}
	}
	return true
}

// drawGlyph draws a glyph as a PNG, at a random size and place, a little turned, in
// random colours.
func drawGlyph(f *sfnt.Font, glyph rune, r *rand.Rand) ([]byte, error) {
	var b sfnt.Buffer
	at, err := f.GlyphIndex(&b, glyph)
	if err != nil {
		return nil, err
	}
	segments, err := f.LoadGlyph(&b, at, fixed.I(1000), nil)
	if err != nil {
		return nil, err
	}

	bounds := segments.Bounds()
	width, height := float64(bounds.Max.X-bounds.Min.X), float64(bounds.Max.Y-bounds.Min.Y)
	size := letterSide * (0.45 + 0.35*r.Float64()) / max(width, height)
	sin, cos := math.Sincos((r.Float64() - 0.5) * 0.35)
	midX, midY := float64(bounds.Min.X)+width/2, float64(bounds.Min.Y)+height/2
	left, top := letterSide*(0.5+0.16*(r.Float64()-0.5)), letterSide*(0.5+0.16*(r.Float64()-0.5))
	place := func(p fixed.Point26_6) (float32, float32) {
		x, y := size*(float64(p.X)-midX), size*(float64(p.Y)-midY)
		return float32(left + cos*x - sin*y), float32(top + sin*x + cos*y)
	}

	return inked(outline(segments, place), r)
}

// outline traces a glyph's segments.
func outline(segments sfnt.Segments, place func(fixed.Point26_6) (float32, float32)) *vector.Rasterizer {
	z := vector.NewRasterizer(letterSide, letterSide)
	for i, s := range segments {
		ax, ay := place(s.Args[0])
		bx, by := place(s.Args[1])
		cx, cy := place(s.Args[2])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if i > 0 {
				z.ClosePath()
			}
			z.MoveTo(ax, ay)
		case sfnt.SegmentOpLineTo:
			z.LineTo(ax, ay)
		case sfnt.SegmentOpQuadTo:
			z.QuadTo(ax, ay, bx, by)
		case sfnt.SegmentOpCubeTo:
			z.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	z.ClosePath()
	return z
}

// inked fills an outline: dark on light, or now and then the other way round.
func inked(z *vector.Rasterizer, r *rand.Rand) ([]byte, error) {
	tone := func(from int) color.RGBA {
		return color.RGBA{uint8(from + r.IntN(100)), uint8(from + r.IntN(100)), uint8(from + r.IntN(100)), 255}
	}
	ink, paper := tone(0), tone(156)
	if r.IntN(4) == 0 {
		ink, paper = paper, ink
	}

	m := image.NewRGBA(image.Rect(0, 0, letterSide, letterSide))
	draw.Draw(m, m.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	z.Draw(m, m.Rect, image.NewUniform(ink), image.Point{})

	var out bytes.Buffer
	err := png.Encode(&out, m)
	return out.Bytes(), err
}
