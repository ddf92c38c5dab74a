package imaging

import (
	"errors"
	"image"
	"image/draw"
	"time"
)

// canvas is what the frames of an animation are drawn on, one over another. It
// is transparent at first, whatever ground the file asks for, as in browsers.
type canvas struct {
	*image.RGBA
	last   image.Rectangle // where the last frame lies
	after  disposal        // what becomes of it
	before *image.RGBA     // what it was drawn over, if that is to come back
	spare  []uint8         // memory for it
}

// disposal is what becomes of a frame when the next one comes.
type disposal int

const (
	frameStays disposal = iota
	frameGoes           // and leaves a transparent place
	frameBack           // and what was there before comes back
)

func newCanvas(size image.Point) *canvas {
	return &canvas{RGBA: image.NewRGBA(image.Rectangle{Max: size})}
}

// next makes the canvas ready for a frame at a place.
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

// bytesToCompose is what a pixel of the canvas takes: itself, and what comes back.
const bytesToCompose = 4 + 4

// errEnough ends the reading of a file once the frame that is wanted is there.
var errEnough = errors.New("the frame was found")

func noFrame(n int) error { return undecodable("it has no frame %d", n) }

// shownFor is how long browsers show a frame: those that are in too great a
// hurry are shown for a tenth of a second, and encoders write it down.
func shownFor(delay time.Duration) time.Duration {
	if delay <= 10*time.Millisecond {
		return 100 * time.Millisecond
	}
	return delay
}
