package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
)

// size is a kind of picture: how large it is, and how much of it is noise, so
// that its file is as large as that of a photo.
type size struct {
	width, height int
	noise         float64
	quality       int
}

var (
	photo  = size{4000, 3000, 6.6, 85} // 2–4 MB
	middle = size{1600, 1200, 5.4, 80} // 300 KB
	small  = size{640, 480, 4.5, 75}   // 40 KB
)

// makePictures makes n different pictures, the same ones for the same seed.
func makePictures(sz size, n int, seed uint64) ([][]byte, error) {
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

// makePicture draws what costs a codec as much as a photo does: shapes of all
// sizes, from the light over the whole picture to texture, and a sensor's
// noise, of which there is less in the plain parts.
func makePicture(sz size, rnd *rand.Rand) ([]byte, error) {
	img := image.NewYCbCr(image.Rect(0, 0, sz.width, sz.height), image.YCbCrSubsampleRatio420)
	noise := sz.noise * (0.8 + 0.4*rnd.Float64())
	draw(img.Y, img.YStride, sz.width, sz.height, noise, 70, rnd)
	for _, plane := range [][]byte{img.Cb, img.Cr} {
		draw(plane, img.CStride, sz.width/2, sz.height/2, noise/6, 25, rnd)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: sz.quality}); err != nil {
		return nil, fmt.Errorf("make a picture: %w", err)
	}
	return withExif(out.Bytes(), rnd), nil
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

// draw fills one plane.
func draw(plane []byte, stride, width, height int, noise, contrast float64, rnd *rand.Rand) {
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

// withExif puts the metadata of a camera into a JPEG.
func withExif(jpeg []byte, rnd *rand.Rand) []byte {
	tiff := tiffBlock(map[uint16]any{
		0x010f: "Canon", 0x0110: fmt.Sprintf("Canon EOS %dD", 10+rnd.IntN(70)), 0x0112: uint16(1), 0x0131: "bench",
		0x0132: fmt.Sprintf("2026:%02d:%02d %02d:%02d:%02d", 1+rnd.IntN(12), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60)),
	})
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(2+6+len(tiff)))...)
	out = append(append(out, "Exif\x00\x00"...), tiff...)
	return append(out, jpeg[2:]...)
}

// tiffBlock is a TIFF with one directory of texts and short numbers.
func tiffBlock(tags map[uint16]any) []byte {
	order := []uint16{}
	for tag := range tags {
		order = append(order, tag)
	}
	for i := range order { // a directory is sorted
		for j := i; j > 0 && order[j] < order[j-1]; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	be := binary.BigEndian
	head := be.AppendUint16([]byte("MM\x00*\x00\x00\x00\x08"), uint16(len(order)))
	var texts []byte
	end := len(head) + 12*len(order) + 4
	for _, tag := range order {
		head = be.AppendUint16(head, tag)
		switch v := tags[tag].(type) {
		case uint16:
			head = be.AppendUint16(be.AppendUint32(be.AppendUint16(head, 3), 1), v)
			head = append(head, 0, 0)
		case string:
			head = be.AppendUint32(be.AppendUint16(head, 2), uint32(len(v)+1))
			head = be.AppendUint32(head, uint32(end+len(texts)))
			texts = append(append(texts, v...), 0)
		}
	}
	return append(append(head, 0, 0, 0, 0), texts...)
}
