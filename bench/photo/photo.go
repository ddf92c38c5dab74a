// Package photo draws pictures that cost a codec as much as photos do. Make
// encodes each; an Album gives any number of them at the cost of a copy. The same
// seed gives the same pictures.
package photo

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
)

// Size is a kind of picture. Its noise makes the file as large as a photo's.
type Size struct {
	width, height int
	noise         float64
	quality       int
}

// Large is pictures of 2–4 MB.
func Large() Size { return Size{4000, 3000, 6.6, 85} }

// Middle is pictures of 300 KB.
func Middle() Size { return Size{1600, 1200, 5.4, 80} }

// Small is pictures of 40 KB.
func Small() Size { return Size{640, 480, 4.5, 75} }

// Make makes n different pictures, the same ones for the same seed.
func Make(sz Size, n int, seed uint64) ([][]byte, error) {
	all, errs := make([][]byte, n), make([]error, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				all[i], errs[i] = makePicture(sz, rand.New(rand.NewPCG(seed, uint64(i))))
			}
		})
	}

	for i := range n {
		next <- i
	}

	close(next)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}

	return all, nil
}

func makePicture(sz Size, rnd *rand.Rand) ([]byte, error) {
	data, err := encode(draw(sz, rnd), sz.quality)
	if err != nil {
		return nil, err
	}

	return append(head(rnd), data[2:]...), nil
}

// draw draws shapes of all sizes, from light over the whole picture to texture,
// and a sensor's noise, weaker in plain parts.
func draw(sz Size, rnd *rand.Rand) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, sz.width, sz.height), image.YCbCrSubsampleRatio420)
	noise := sz.noise * (0.8 + 0.4*rnd.Float64())
	drawPlane(img.Y, img.YStride, sz.width, sz.height, noise, 70, rnd)
	for _, plane := range [][]byte{img.Cb, img.Cr} {
		drawPlane(plane, img.CStride, sz.width/2, sz.height/2, noise/6, 25, rnd)
	}

	return img
}

func encode(img image.Image, quality int) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("make a picture: %w", err)
	}

	return out.Bytes(), nil
}

// layer is random light on a coarse grid, smooth in between.
type layer struct {
	cells  int
	values []float64
}

func newLayer(cells int, strength float64, rnd *rand.Rand) layer {
	l := layer{cells, make([]float64, (cells+1)*(cells+1))}
	for i := range l.values {
		l.values[i] = strength * (2*rnd.Float64() - 1)
	}

	return l
}

// drawPlane fills one plane.
func drawPlane(plane []byte, stride, width, height int, noise, contrast float64, rnd *rand.Rand) {
	layers := []layer{
		newLayer(4, contrast, rnd), newLayer(16, contrast/2, rnd),
		newLayer(64, contrast/5, rnd), newLayer(256, contrast/10, rnd),
	}

	grain := make([]float32, 1<<16)
	for i := range grain {
		grain[i] = float32(rnd.NormFloat64() * noise)
	}

	texture := newLayer(24, 1, rnd) // noise comes in patches
	light, rough := make([]float32, width), make([]float32, width)
	for y := range height {
		fill(light, 128)
		for _, l := range layers {
			l.addRow(light, float64(y)/float64(height))
		}

		fill(rough, 1)
		texture.addRow(rough, float64(y)/float64(height))
		at := rnd.IntN(len(grain))
		for x, v := range light {
			v += grain[(at+x)&(len(grain)-1)] * rough[x]
			plane[y*stride+x] = byte(min(max(v, 0), 255))
		}
	}
}

func fill(row []float32, value float32) {
	for x := range row {
		row[x] = value
	}
}

// addRow adds the layer's line at the height v, from 0 to 1.
func (l layer) addRow(row []float32, v float64) {
	fy := v * float64(l.cells)
	top := int(fy)
	fy -= float64(top)
	upper, lower := l.values[top*(l.cells+1):], l.values[min(top+1, l.cells)*(l.cells+1):]
	step := float64(l.cells) / float64(len(row))
	for c := range l.cells {
		a := upper[c]*(1-fy) + lower[c]*fy
		b := upper[c+1]*(1-fy) + lower[c+1]*fy
		from, to := int(math.Ceil(float64(c)/step)), min(int(math.Ceil(float64(c+1)/step)), len(row))
		value, slope := float32(a+(b-a)*(float64(from)*step-float64(c))), float32((b-a)*step)
		for x := from; x < to; x++ {
			row[x] += value
			value += slope
		}
	}
}
