package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"inlet/imaging"
	"inlet/imaging/dcjpeg"
	"inlet/imaging/fingerprint"
)

const maxPixels = 100e6

// file is a picture file in memory and what was made of it.
type file struct {
	name   string
	data   []byte
	info   imaging.Info
	print  *fingerprint.Print // nil: it has none
	probes map[int32]bool
	small  *fingerprint.Picture
}

// load makes the fingerprint of a file.
func load(name string, data []byte) (*file, error) {
	f := &file{name: name, data: data}
	format, err := imaging.Sniff(data[:min(len(data), imaging.SniffLen)])
	if err != nil {
		return nil, err
	}
	if format == imaging.HEIC || format == imaging.AVIF {
		return nil, imaging.ErrNotReady
	}
	in := imaging.NewInspector(maxPixels, 1<<30)
	f.info, err = in.Inspect(context.Background(), bytes.NewReader(data), int64(len(data)), format)
	if err != nil {
		return nil, err
	}
	if f.small, err = f.picture(fingerprint.Side, true); err != nil {
		return nil, err
	}
	known, probes, ok := fingerprint.Of(f.small)
	if !ok {
		return f, nil
	}
	f.print, f.probes = known, map[int32]bool{}
	for _, p := range probes {
		f.probes[p] = true
	}
	return f, nil
}

// picture decodes the file; quick allows 1/8 of its size.
func (f *file) picture(side int, quick bool) (*fingerprint.Picture, error) {
	frame := fingerprint.Frame{Width: f.info.Width, Height: f.info.Height, Scale: 1, Orientation: f.info.Meta.Orientation, Side: side}
	if frame.Orientation >= 5 && frame.Orientation <= 8 {
		frame.Width, frame.Height = frame.Height, frame.Width
	}
	if f.info.Format == imaging.JPEG && quick && fingerprint.EighthWillDo(frame.Width, frame.Height) {
		m, err := dcjpeg.Decode(bytes.NewReader(f.data), maxPixels)
		if err == nil {
			frame.Scale = 8
			return fingerprint.New(planes(m), frame), nil
		}
		if !errors.Is(err, dcjpeg.ErrUnsupported) {
			return nil, err
		}
	}
	decode := map[imaging.Format]func(io.Reader) (image.Image, error){
		imaging.JPEG: jpeg.Decode, imaging.PNG: png.Decode, imaging.GIF: gif.Decode,
		imaging.WebP: webp.Decode, imaging.BMP: bmp.Decode, imaging.TIFF: tiff.Decode,
	}[f.info.Format]
	m, err := decode(bytes.NewReader(f.data))
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", f.name, err)
	}
	switch m.(type) {
	case *image.YCbCr, *image.NYCbCrA:
		frame.Limited = f.info.Format == imaging.WebP
	}
	return fingerprint.New(m, frame), nil
}

func planes(m *dcjpeg.Image) image.Image {
	size := image.Rect(0, 0, m.Y.W, m.Y.H)
	if m.Components == 1 {
		return &image.Gray{Pix: m.Y.Pix, Stride: m.Y.Stride, Rect: size}
	}
	ratio := map[[2]int]image.YCbCrSubsampleRatio{
		{8, 8}: image.YCbCrSubsampleRatio444, {16, 8}: image.YCbCrSubsampleRatio422, {16, 16}: image.YCbCrSubsampleRatio420,
		{8, 16}: image.YCbCrSubsampleRatio440, {32, 8}: image.YCbCrSubsampleRatio411, {32, 16}: image.YCbCrSubsampleRatio410,
	}[[2]int{m.Cb.ScaleX, m.Cb.ScaleY}]
	return &image.YCbCr{
		Y: m.Y.Pix, Cb: m.Cb.Pix, Cr: m.Cr.Pix,
		YStride: m.Y.Stride, CStride: m.Cb.Stride, SubsampleRatio: ratio, Rect: size,
	}
}
