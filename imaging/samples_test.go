package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// The size of every picture in testdata.
const sampleWidth, sampleHeight = 61, 43

// sample is a sound picture.
type sample struct {
	name   string
	format Format
	data   []byte
}

// samples are the pictures of testdata, and those that only Go writes.
func samples(t testing.TB) []sample {
	t.Helper()
	var all []sample
	paths, err := filepath.Glob("testdata/*.[a-z]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if filepath.Ext(path) == ".md" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		format, err := Sniff(data[:min(len(data), SniffLen)])
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, sample{filepath.Base(path), format, data})
	}
	if len(all) < 30 {
		t.Fatalf("only %d files in testdata", len(all))
	}
	for name, m := range pngKinds() {
		all = append(all, sample{name + ".png", PNG, encode(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })})
	}
	for depth := 1; depth <= 8; depth *= 2 {
		all = append(all, sample{"interlaced.png", PNG, interlacedPNG(depth)})
	}
	return all
}

func samplesOf(t testing.TB, f Format) []sample {
	t.Helper()
	var some []sample
	for _, s := range samples(t) {
		if s.format == f {
			some = append(some, s)
		}
	}
	return some
}

func sampleNamed(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func encode(t testing.TB, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngKinds are pictures of all the kinds that image/png writes.
func pngKinds() map[string]image.Image {
	noise := rand.New(rand.NewPCG(1, 2))
	r := image.Rect(0, 0, sampleWidth, sampleHeight)
	kinds := map[string]draw.Image{
		"grey": image.NewGray(r), "grey16": image.NewGray16(r), "rgb": image.NewRGBA(r), "rgba": image.NewNRGBA(r),
		"rgb16": image.NewRGBA64(r), "rgba16": image.NewNRGBA64(r),
	}
	for _, n := range []int{2, 4, 16, 256} {
		p := make(color.Palette, n)
		for i := range p {
			p[i] = color.RGBA{uint8(i * 255 / n), 1, 2, 255}
		}
		kinds["palette"+string(rune('a'+len(kinds)))] = image.NewPaletted(r, p)
	}
	images := map[string]image.Image{}
	for name, m := range kinds {
		for y := range sampleHeight {
			for x := range sampleWidth {
				c := color.NRGBA64{uint16(x * 999), uint16(y * 999), uint16(noise.Uint32()), 0xffff}
				if name == "rgba" || name == "rgba16" {
					c.A = uint16(x * 1000)
				}
				m.Set(x, y, c)
			}
		}
		images[name] = m
	}
	return images
}

// chunkPNG is a chunk with its length and checksum.
func chunkPNG(kind string, data []byte) []byte {
	p := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	p = append(append(p, kind...), data...)
	return binary.BigEndian.AppendUint32(p, crc32.ChecksumIEEE(p[4:]))
}

// headPNG is a signature and an IHDR.
func headPNG(width, height uint32, depth, colour, interlace byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, width)
	b = binary.BigEndian.AppendUint32(b, height)
	b = append(b, depth, colour, 0, 0, interlace)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunkPNG("IHDR", b)...)
}

// interlacedPNG is a grey picture in seven passes.
func interlacedPNG(depth int) []byte {
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	head := pngHeader{width: sampleWidth, height: sampleHeight, depth: depth, interlaced: true}
	for i, p := range head.passes() {
		for y := range p.rows {
			z.Write([]byte{byte(y % 5)})
			z.Write(bytes.Repeat([]byte{byte(i)}, int(p.rowBytes)))
		}
	}
	z.Close()
	file := headPNG(sampleWidth, sampleHeight, byte(depth), pngGrey, 1)
	file = append(file, chunkPNG("IDAT", data.Bytes())...)
	return append(file, chunkPNG("IEND", nil)...)
}

// decodes says whether the standard library or x/image decodes all of a file.
func decodes(f Format, data []byte) bool {
	r := bytes.NewReader(data)
	var m image.Image
	var err error
	switch f {
	case JPEG:
		m, err = jpeg.Decode(r)
	case PNG:
		m, err = png.Decode(r)
	case GIF:
		var all *gif.GIF
		if all, err = gif.DecodeAll(r); err == nil {
			m = all.Image[0]
		}
	case WebP:
		m, err = webp.Decode(r)
	case BMP:
		m, err = bmp.Decode(r)
	case TIFF:
		m, err = tiff.Decode(r)
	default:
		return false
	}
	return err == nil && !m.Bounds().Empty()
}

func inspectAs(t testing.TB, f Format, data []byte) (Info, error) {
	t.Helper()
	return NewInspector(100_000_000, 256<<20).Inspect(t.Context(), bytes.NewReader(data), int64(len(data)), f)
}
