package main

import (
	"bytes"
	"image"
	"image/color"
	_ "image/gif" // decodes items
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // decodes items

	"inlet/imaging/quality"
)

// version is one way in which a picture may come in.
type version struct {
	name string
	data []byte
}

// maxSide bounds decoded items, so that the program takes minutes.
const maxSide = 1300

// versions makes the item as it is, in other formats and sizes and, of photos,
// spoilt ones.
func versions(it item, rnd *rand.Rand) []version {
	m, _, err := image.Decode(bytes.NewReader(it.data))
	if err != nil {
		return []version{{"original", it.data}}
	}
	whole := scaled(m, min(maxSide, longSide(m)))
	all := []version{{"original", it.data}}
	add := func(name string, data []byte) { all = append(all, version{name, data}) }

	quick := scaled(whole, min(longSide(whole), 700))
	add("jpeg", asJPEG(scaled(whole, between(rnd, 400, 1400, whole)), 60+rnd.IntN(36)))
	add("png", asPNG(quick))
	switch it.kind {
	case quality.Photo:
		if hash(it.family)%3 != 0 { // enough of them are spoilt
			return all
		}
		size := between(rnd, 480, 1200, whole)
		for _, s := range []float64{1.5, 3} {
			m := blurred(scaled(whole, size), s*float64(size)/640)
			add(map[float64]string{1.5: "blur 1.5", 3: "blur 3"}[s], asJPEG(m, 70+rnd.IntN(26)))
		}
		add("blur png", asPNG(blurred(quick, 2.5*float64(longSide(quick))/640)))
		add("blur noise", asJPEG(noisy(blurred(scaled(whole, size), 3*float64(size)/640), 3, rnd), 70+rnd.IntN(26)))
		add("motion", asJPEG(moved(scaled(whole, size), 16*size/640), 85))
		add("dark", asJPEG(lit(quick, 0.1, 1), 90))
		add("gamma", asJPEG(lit(quick, 0.7, 3.5), 90))
		add("bright", asJPEG(lit(quick, 4, 0.5), 90))
	case quality.Document:
		m := scaled(whole, between(rnd, 800, 1400, whole))
		add("photographed", asJPEG(noisy(shaded(m, rnd), 2, rnd), 80))
	default:
		add("half", asPNG(scaled(quick, longSide(quick)/2)))
	}
	return all
}

func longSide(m image.Image) int { return max(m.Bounds().Dx(), m.Bounds().Dy()) }

// between is a side between two, no longer than that of the picture.
func between(rnd *rand.Rand, low, high int, m image.Image) int {
	return min(longSide(m), low+rnd.IntN(high-low))
}

// scaled is the picture over white, with a longer side of so many pixels.
func scaled(m image.Image, side int) *image.RGBA {
	b := m.Bounds()
	scale := float64(side) / float64(longSide(m))
	r := image.Rect(0, 0, max(1, int(float64(b.Dx())*scale+0.5)), max(1, int(float64(b.Dy())*scale+0.5)))
	out := image.NewRGBA(r)
	draw.Draw(out, r, image.White, image.Point{}, draw.Src)
	if r.Size() == b.Size() {
		draw.Draw(out, r, m, b.Min, draw.Over)
	} else {
		draw.BiLinear.Scale(out, r, m, b, draw.Over, nil)
	}
	return out
}

func asJPEG(m image.Image, q int) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, m, &jpeg.Options{Quality: q}) // a buffer does not fail
	return b.Bytes()
}

func asPNG(m image.Image) []byte {
	var b bytes.Buffer
	_ = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m) // a buffer does not fail
	return b.Bytes()
}

// blurred is a Gaussian blur, made of three box blurs.
func blurred(m *image.RGBA, sigma float64) *image.RGBA {
	n := max(1, int(math.Round(math.Sqrt(4*sigma*sigma+1))))
	for range 3 {
		m = moved(turned(moved(turned(m), n)), n)
	}
	return m
}

// moved is a box blur across: a camera that moves.
func moved(m *image.RGBA, n int) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(b)
	for y := range b.Dy() {
		row, to := m.Pix[y*m.Stride:], out.Pix[y*out.Stride:]
		for c := range 4 {
			at := func(x int) int { return int(row[4*min(max(x, 0), b.Dx()-1)+c]) }
			sum := 0
			for x := -n / 2; x < n-n/2; x++ {
				sum += at(x)
			}
			for x := range b.Dx() {
				to[4*x+c] = uint8(sum / n)
				sum += at(x+n-n/2) - at(x-n/2)
			}
		}
	}
	return out
}

func turned(m *image.RGBA) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dy(), b.Dx()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			copy(out.Pix[x*out.Stride+4*y:][:4], m.Pix[y*m.Stride+4*x:][:4])
		}
	}
	return out
}

// each changes every sample.
func each(m *image.RGBA, change func(x, y int, v float64) float64) *image.RGBA {
	out := image.NewRGBA(m.Bounds())
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			p := m.Pix[y*m.Stride+4*x:][:3]
			var to [3]uint8
			for c, v := range p {
				to[c] = uint8(min(255, max(0, change(x, y, float64(v))+0.5)))
			}
			out.SetRGBA(x, y, color.RGBA{to[0], to[1], to[2], 255})
		}
	}
	return out
}

func noisy(m *image.RGBA, deviation float64, rnd *rand.Rand) *image.RGBA {
	return each(m, func(_, _ int, v float64) float64 { return v + rnd.NormFloat64()*deviation })
}

// lit is the picture with another exposure.
func lit(m *image.RGBA, gain, gamma float64) *image.RGBA {
	var table [256]float64
	for i := range table {
		table[i] = 255 * gain * math.Pow(float64(i)/255, gamma)
	}
	return each(m, func(_, _ int, v float64) float64 { return table[int(v)] })
}

// shaded is a page under a lamp: paper is grey, and darker at one end.
func shaded(m *image.RGBA, rnd *rand.Rand) *image.RGBA {
	paper, slope, angle := 0.6+0.35*rnd.Float64(), 0.4*rnd.Float64(), 2*math.Pi*rnd.Float64()
	across, down := slope*math.Cos(angle)/float64(m.Bounds().Dx()), slope*math.Sin(angle)/float64(m.Bounds().Dy())
	cx, cy := float64(m.Bounds().Dx())/2, float64(m.Bounds().Dy())/2
	return each(m, func(x, y int, v float64) float64 {
		return 20 + v*(paper+across*(float64(x)-cx)+down*(float64(y)-cy))*0.92
	})
}
