package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/image/draw"

	"inlet/imaging/dcjpeg"
)

// photo is a JPEG.
type photo struct {
	name        string
	data        []byte
	width       int
	height      int
	progressive bool
}

func (p photo) megapixels() float64 { return float64(p.width*p.height) / 1e6 }

// photosOf takes the photos of a folder, or makes some.
func photosOf(ctx context.Context, dir string) ([]photo, error) {
	if dir == "" {
		return makePhotos(ctx)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var photos []photo
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || f.IsDir() {
			continue
		}
		m, err := dcjpeg.NewDecoder().Decode(bytes.NewReader(data), maxPixels)
		if err != nil {
			continue
		}
		p := photo{f.Name(), data, m.Width, m.Height, m.Progressive}
		if p.megapixels() >= 8 && p.megapixels() <= 25 {
			photos = append(photos, p)
		}
	}
	fmt.Printf("%d of %d files in %s are JPEGs of 8 to 25 MP\n", len(photos), len(files), dir)
	if len(photos) == 0 {
		return nil, fmt.Errorf("no photo of 8 to 25 MP in %s", dir)
	}
	return photos, nil
}

// makePhotos makes photos of usual sizes, and progressive ones of them.
func makePhotos(ctx context.Context) ([]photo, error) {
	var photos []photo
	for _, size := range []image.Point{{3264, 2448}, {4000, 3000}, {6000, 4000}} {
		data, err := encoded(scene(size.X, size.Y, 1), 85)
		if err != nil {
			return nil, err
		}
		photos = append(photos, photo{"made, q85", data, size.X, size.Y, false})
	}
	for _, p := range photos {
		data, err := progressive(ctx, p.data)
		if err != nil {
			fmt.Printf("no progressive photos: %v\n", err)
			break
		}
		photos = append(photos, photo{p.name, data, p.width, p.height, true})
	}
	return photos, nil
}

// progressive turns a JPEG into a progressive one.
func progressive(ctx context.Context, data []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "jpegtran", "-progressive")
	if _, err := exec.LookPath("jpegtran"); err != nil {
		cmd = exec.CommandContext(ctx, "convert", "jpeg:-", "-interlace", "JPEG", "jpeg:-")
	}
	cmd.Stdin = bytes.NewReader(data)
	return cmd.Output()
}

func encoded(m image.Image, quality int) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

// scene makes a picture that costs a decoder what a photo does: shapes of all
// sizes, the finer the weaker, and a sensor's noise.
func scene(width, height int, seed uint64) *image.YCbCr {
	rnd := rand.New(rand.NewPCG(seed, 1))
	m := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	fill(m.Y, m.YStride, width, height, 90, 5, rnd)
	fill(m.Cb, m.CStride, width/2, height/2, 40, 1, rnd)
	fill(m.Cr, m.CStride, width/2, height/2, 40, 1, rnd)
	return m
}

func fill(pix []uint8, stride, width, height int, strength, noise float64, rnd *rand.Rand) {
	sum := make([]float64, width*height)
	large := image.NewGray(image.Rect(0, 0, width, height))
	for cells := 4; cells < width/3; cells *= 2 {
		small := image.NewGray(image.Rect(0, 0, cells, max(1, cells*height/width)))
		for i := range small.Pix {
			small.Pix[i] = uint8(rnd.Uint32())
		}
		draw.ApproxBiLinear.Scale(large, large.Rect, small, small.Rect, draw.Src, nil)
		for i, v := range large.Pix {
			sum[i] += strength * (float64(v)/127.5 - 1)
		}
		strength *= 0.66
	}
	for y := range height {
		for x := range width {
			v := 128 + sum[y*width+x] + rnd.NormFloat64()*noise
			pix[y*stride+x] = uint8(min(max(v, 0), 255))
		}
	}
}
