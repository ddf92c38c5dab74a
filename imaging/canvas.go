package imaging

import (
	"errors"
	"image"
	"image/draw"
	"time"
)

// canvas is where the frames of an animation are drawn, one over another. It is
// transparent at first, whatever background the file asks for, as in browsers.
type canvas struct {
	*image.RGBA
	last   image.Rectangle // where the last frame lies
	after  disposal        // what becomes of it
	before *image.RGBA     // what it covers, if that comes back
	spare  []uint8         // memory for before
}

// disposal is what becomes of a frame when the next one comes.
type disposal int

const (
	frameStays disposal = iota
	frameGoes           // and leaves a transparent rectangle
	frameBack           // and uncovers what it was drawn over
)

// bytesToCompose is what a pixel of the canvas takes: itself, and what it covers.
const bytesToCompose = 4 + 4

func newCanvas(size image.Point) *canvas {
	return &canvas{RGBA: image.NewRGBA(image.Rectangle{Max: size})}
}

// paint draws a frame over the ones before it, or in their place.
func (c *canvas) paint(m image.Image, at image.Rectangle, after disposal, blend bool) {
	c.next(at, after)
	op := draw.Src
	if blend {
		op = draw.Over
	}
	draw.Draw(c.RGBA, at, m, m.Bounds().Min, op)
}

// next disposes of the last frame and makes the canvas ready for one at a
// rectangle.
func (c *canvas) next(at image.Rectangle, after disposal) {
	switch c.after {
	case frameGoes:
		draw.Draw(c.RGBA, c.last, image.Transparent, image.Point{}, draw.Src)
	case frameBack:
		draw.Draw(c.RGBA, c.last, c.before, c.last.Min, draw.Src)
	}

	c.last, c.after = at, after
	if after != frameBack {
		return
	}

	n := 4 * at.Dx() * at.Dy()
	if cap(c.spare) < n {
		c.spare = make([]uint8, n)
	}

	c.before = &image.RGBA{Pix: c.spare[:n], Stride: 4 * at.Dx(), Rect: at}
	draw.Draw(c.before, at, c.RGBA, at.Min, draw.Src)
}

// errEnough ends the reading of a file once the wanted frame is there.
var errEnough = errors.New("the frame was found")

func noFrame(n int) error { return undecodable("it has no frame %d", n) }

// shownFor is how long browsers show a frame: they show those of 10 ms or less
// for a tenth of a second.
func shownFor(delay time.Duration) time.Duration {
	if delay <= 10*time.Millisecond {
		return 100 * time.Millisecond
	}
	return delay
}
