package imaging

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The size of testdata/scenes, which show scene(1).
const sceneWidth, sceneHeight = 200, 150

// scene is a picture of many discs in a few colours, the last of which is
// transparent. Every seed gives another one.
func scene(seed uint64, w, h int) *image.Paletted {
	chance := rand.New(rand.NewPCG(seed, 3))
	p := make(color.Palette, 64)
	for i := range p[:63] {
		v := uint8(i * 4)
		p[i] = color.NRGBA{v, uint8(i*37%64) + v/2 + 60, uint8(255 - i*3), 255}
	}
	p[63] = color.NRGBA{}
	m := image.NewPaletted(image.Rect(0, 0, w, h), p)
	for range 120 {
		cx, cy, r, c := chance.IntN(w), chance.IntN(h), 4+chance.IntN(min(w, h)/4), uint8(chance.IntN(63))
		for y := max(0, cy-r); y < min(h, cy+r); y++ {
			for x := max(0, cx-r); x < min(w, cx+r); x++ {
				if (x-cx)*(x-cx)+(y-cy)*(y-cy) < r*r {
					m.Pix[m.PixOffset(x, y)] = c
				}
			}
		}
	}
	return m
}

// movie is an animation whose frames leave each other in every way.
type movie struct {
	frames []*image.Paletted
	after  []disposal
	delays []int // hundredths of a second
}

func newMovie() movie {
	m := movie{delays: []int{5, 0, 1, 7, 30, 9, 5}, after: []disposal{0, 0, frameGoes, frameBack, 0, frameBack, 0}}
	full := scene(1, sceneWidth, sceneHeight)
	m.frames = append(m.frames, full)
	for i, at := range []image.Rectangle{
		image.Rect(20, 10, 120, 100), image.Rect(0, 0, 200, 150), image.Rect(101, 51, 200, 150),
		image.Rect(0, 0, 3, 1), image.Rect(150, 0, 180, 149), image.Rect(60, 60, 140, 150),
	} {
		f := image.NewPaletted(at, full.Palette)
		draw.Draw(f, at, scene(uint64(i+2), sceneWidth, sceneHeight), at.Min, draw.Src)
		for k := range f.Pix {
			if k%7 == 0 || k%101 < 20 {
				f.Pix[k] = 63 // lets through what is below
			}
		}
		m.frames = append(m.frames, f)
	}
	return m
}

func (m movie) duration() (d time.Duration) {
	for _, n := range m.delays {
		if n <= 1 {
			n = 10
		}
		d += time.Duration(n) * 10 * time.Millisecond
	}
	return d
}

// shown composes frame n, a pixel after the other.
func (m movie) shown(n int) *image.NRGBA {
	var before *image.NRGBA
	c := image.NewNRGBA(image.Rect(0, 0, sceneWidth, sceneHeight))
	for i := range n + 1 {
		before = &image.NRGBA{Pix: slices.Clone(c.Pix), Stride: c.Stride, Rect: c.Rect}
		f := m.frames[i]
		for y := f.Rect.Min.Y; y < f.Rect.Max.Y; y++ {
			for x := f.Rect.Min.X; x < f.Rect.Max.X; x++ {
				if v := f.At(x, y).(color.NRGBA); v.A > 0 {
					c.SetNRGBA(x, y, v)
				}
			}
		}
		if i == n {
			break
		}
		for y := f.Rect.Min.Y; y < f.Rect.Max.Y; y++ {
			for x := f.Rect.Min.X; x < f.Rect.Max.X; x++ {
				switch m.after[i] {
				case frameGoes:
					c.SetNRGBA(x, y, color.NRGBA{})
				case frameBack:
					c.SetNRGBA(x, y, before.NRGBAAt(x, y))
				}
			}
		}
	}
	return c
}

func (m movie) gif(t testing.TB) []byte {
	g := &gif.GIF{Image: m.frames, Delay: m.delays}
	for _, a := range m.after {
		g.Disposal = append(g.Disposal, map[disposal]byte{frameStays: gif.DisposalNone, frameGoes: gif.DisposalBackground, frameBack: gif.DisposalPrevious}[a])
	}
	return encode(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, g) })
}

// apng is the movie as a PNG. hidden puts a still in front that is no part of it.
func (m movie) apng(t testing.TB, hidden image.Image) []byte {
	out := []byte(pngSignature)
	head := pngChunks(t, m.frames[0])
	out = append(out, chunkPNG("IHDR", head["IHDR"])...)
	out = append(out, chunkPNG("acTL", binary.BigEndian.AppendUint64(nil, uint64(len(m.frames))<<32))...)
	out = append(out, chunkPNG("PLTE", head["PLTE"])...)
	out = append(out, chunkPNG("tRNS", head["tRNS"])...)
	if hidden != nil {
		out = append(out, chunkPNG("IDAT", pngChunks(t, hidden)["IDAT"])...)
	}
	number := uint32(0)
	for i, f := range m.frames {
		b := binary.BigEndian.AppendUint32(nil, number)
		for _, v := range []int{f.Rect.Dx(), f.Rect.Dy(), f.Rect.Min.X, f.Rect.Min.Y} {
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		}
		b = binary.BigEndian.AppendUint16(b, uint16(m.delays[i]))
		b = append(b, 0, 0, byte(m.after[i]), apngOver)
		out = append(out, chunkPNG("fcTL", b)...)
		data := pngChunks(t, f)["IDAT"]
		if i == 0 && hidden == nil {
			out = append(out, chunkPNG("IDAT", data)...)
			number++
			continue
		}
		for piece := range slices.Chunk(data, 1000) {
			number++
			out = append(out, chunkPNG("fdAT", append(binary.BigEndian.AppendUint32(nil, number), piece...))...)
		}
		number++
	}
	return append(out, chunkPNG("IEND", nil)...)
}

// pngChunks are the chunks of a still, those of a kind together.
func pngChunks(t testing.TB, m image.Image) map[string][]byte {
	data := encode(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })[8:]
	chunks := map[string][]byte{}
	for len(data) > 0 {
		n := binary.BigEndian.Uint32(data)
		if crc32.ChecksumIEEE(data[4:8+n]) != binary.BigEndian.Uint32(data[8+n:]) {
			t.Fatal("a wrong checksum")
		}
		chunks[string(data[4:8])] = append(chunks[string(data[4:8])], data[8:8+n]...)
		data = data[12+n:]
	}
	return chunks
}
