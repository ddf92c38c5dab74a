package imaging

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// photo is a picture with something of a photo's detail.
func photo(width, height int) *image.RGBA {
	noise := rand.New(rand.NewPCG(3, 4))
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			n := uint8(noise.Uint32() % 24)
			m.SetRGBA(x, y, color.RGBA{uint8(x*200/width) + n, uint8(y*200/height) + n, uint8((x^y)&127) + n, 255})
		}
	}
	return m
}

// benchmarkFiles are pictures of 12 MP, where Go can write the format.
func benchmarkFiles(b *testing.B) []sample {
	b.Helper()
	m := photo(4000, 3000)
	small := photo(800, 600)
	files := []sample{
		{"jpeg", JPEG, encode(b, func(w *bytes.Buffer) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 85}) })},
		{"png", PNG, encode(b, func(w *bytes.Buffer) error { return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, m) })},
		{"bmp", BMP, encode(b, func(w *bytes.Buffer) error { return bmp.Encode(w, m) })},
		{"tiff-plain", TIFF, encode(b, func(w *bytes.Buffer) error { return tiff.Encode(w, m, nil) })},
		{"tiff-deflate", TIFF, encode(b, func(w *bytes.Buffer) error { return tiff.Encode(w, m, &tiff.Options{Compression: tiff.Deflate}) })},
		{"gif-small", GIF, encode(b, func(w *bytes.Buffer) error { return gif.Encode(w, small, nil) })},
	}
	for _, name := range []string{"lossy.webp", "lossless.webp", "lzw.tif"} {
		data := sampleNamed(b, name)
		f, _ := Sniff(data)
		files = append(files, sample{name, f, data})
	}
	return files
}

func BenchmarkSmall(b *testing.B) {
	for _, s := range benchmarkFiles(b)[:2] {
		b.Run(s.name, func(b *testing.B) {
			in := NewInspector(100e6, 1<<30)
			for b.Loop() {
				if _, err := in.Small(b.Context(), bytes.NewReader(s.data), int64(len(s.data)), s.format); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
