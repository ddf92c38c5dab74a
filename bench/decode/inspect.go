package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"os/exec"
	"time"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
)

// file is a picture to be inspected.
type file struct {
	name   string
	format imaging.Format
	size   image.Point
	data   []byte
}

// inspectAll inspects pictures of all formats that can be made here.
func inspectAll(ctx context.Context, photos []photo, rounds int) error {
	var files []file
	for _, p := range photos {
		files = append(files, file{p.name, imaging.JPEG, image.Pt(p.width, p.height), p.data})
	}
	made, err := makeFiles(ctx)
	if err != nil {
		return err
	}
	in := imaging.NewInspector(maxPixels, 256<<20)
	t := newTable("Inspect, processor ms: soundness, size, metadata, payload, fingerprint; and SHA-256 of the same bytes",
		"file", "format", "pixels", "MB", "ms", "SHA-256", "of both", "KB allocated", "objects")
	for _, f := range append(files, made...) {
		inspect := func() error {
			_, err := in.Inspect(ctx, bytes.NewReader(f.data), int64(len(f.data)), f.format)
			return err
		}
		if err := inspect(); err != nil {
			return fmt.Errorf("%s %s: %w", f.format, f.name, err)
		}
		size, objects, err := allocated(inspect)
		if err != nil {
			return err
		}
		times, err := medians(rounds,
			func() (time.Duration, error) { return repeated(inspect) },
			func() (time.Duration, error) { return repeated(func() error { sha256.Sum256(f.data); return nil }) })
		if err != nil {
			return err
		}
		t.row(f.name, f.format, fmt.Sprintf("%d×%d", f.size.X, f.size.Y), mb(len(f.data)),
			ms(times[0]), ms(times[1]), fmt.Sprintf("%.1f", float64(times[0])/float64(times[1])), size>>10, objects)
	}
	t.Flush()
	return fingerprints(rounds)
}

// repeated is the processor time of one call, of as many as make it measurable.
func repeated(f func() error) (time.Duration, error) {
	const enough = 20 * time.Millisecond
	total := time.Duration(0)
	for n := 1; ; n++ {
		t, err := spent(f)
		if err != nil {
			return 0, err
		}
		if total += t; total >= enough {
			return total / time.Duration(n), nil
		}
	}
}

// makeFiles makes JPEGs of usual sizes, and other formats.
func makeFiles(ctx context.Context) ([]file, error) {
	var files []file
	for _, size := range []image.Point{{1600, 1200}, {640, 480}} {
		data, err := encoded(scene(size.X, size.Y, 3), 80)
		if err != nil {
			return nil, err
		}
		files = append(files, file{"made, q80", imaging.JPEG, size, data})
	}
	for _, size := range []image.Point{{4000, 3000}, {800, 600}} {
		m := image.NewRGBA(image.Rect(0, 0, size.X, size.Y))
		colours := scene(size.X, size.Y, 4)
		for y := range size.Y {
			for x := range size.X {
				m.Set(x, y, colours.At(x, y))
			}
		}
		for _, e := range []struct {
			name   string
			format imaging.Format
			encode func(*bytes.Buffer) error
		}{
			{"made", imaging.PNG, func(b *bytes.Buffer) error { return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(b, m) }},
			{"plain", imaging.TIFF, func(b *bytes.Buffer) error { return tiff.Encode(b, m, nil) }},
			{"deflated", imaging.TIFF, func(b *bytes.Buffer) error { return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate}) }},
			{"made", imaging.BMP, func(b *bytes.Buffer) error { return bmp.Encode(b, m) }},
			{"256 colours", imaging.GIF, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }},
			{"q80", imaging.WebP, func(b *bytes.Buffer) error { return converted(ctx, b, m, "webp:-", "-quality", "80") }},
			{"lossless", imaging.WebP, func(b *bytes.Buffer) error {
				return converted(ctx, b, m, "webp:-", "-define", "webp:lossless=true,method=0")
			}},
		} {
			var b bytes.Buffer
			if err := e.encode(&b); err != nil {
				fmt.Printf("no %s, %s: %v\n", e.format, e.name, err)
				continue
			}
			files = append(files, file{e.name, e.format, size, b.Bytes()})
		}
	}
	return files, nil
}

// converted has ImageMagick write a picture.
func converted(ctx context.Context, out *bytes.Buffer, m image.Image, to string, options ...string) error {
	var in bytes.Buffer
	if err := bmp.Encode(&in, m); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "convert", append(append([]string{"bmp:-"}, options...), to)...)
	cmd.Stdin, cmd.Stdout = &in, out
	return cmd.Run()
}

// fingerprints are made of an eighth, and of pictures that were decoded whole.
func fingerprints(rounds int) error {
	t := newTable("Fingerprint of a decoded picture, processor ms: a Picture of at most 640, its Print and its probes", "samples", "Picture", "Print")
	for _, size := range []image.Point{{500, 375}, {1600, 1200}} {
		m := scene(size.X, size.Y, 5)
		var p *fingerprint.Picture
		times, err := medians(rounds,
			func() (time.Duration, error) {
				return repeated(func() error {
					p = fingerprint.New(m, fingerprint.Frame{Width: size.X, Height: size.Y, Scale: 1, Side: fingerprint.Side})
					return nil
				})
			},
			func() (time.Duration, error) {
				return repeated(func() error { _, _, _ = fingerprint.Of(p); return nil })
			})
		if err != nil {
			return err
		}
		t.row(fmt.Sprintf("%d×%d", size.X, size.Y), ms(times[0]), ms(times[1]))
	}
	t.Flush()
	return nil
}
