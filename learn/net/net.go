// Package net runs two small convolutional nets whose middle layers, averaged over
// the picture, tell what a picture shows:
//
//   - mobile: MobileNetV2-1.4 of npm's nsfwjs, which also judges five classes;
//   - objectron: the backbone of SSD-MobileNetV2 in npm's @mediapipe/objectron.
//
// Both are the net of Sandler et al., "MobileNetV2: Inverted Residuals and Linear
// Bottlenecks" (2018). README.md beside this file tells where their weights come
// from, under which licences, and how to build without them. The engine is ours:
// docs/adr/0016-nets-without-a-framework.md has the reasons.
package net

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// Square is the side of the nets' input in pixels.
const Square = 224

// ErrNoWeights says that the binary was built without weights.
var ErrNoWeights = errors.New("built without weights")

// Nets are both nets with their weights, 22 MB. They are safe for
// concurrent use.
type Nets struct {
	mobile, objectron *network
	input             [256]float32 // what a byte of a pixel means to the nets

	slots   chan struct{} // one for each call that runs
	scratch sync.Pool     // of *scratch; the garbage collector empties it
}

// Output is what the nets see in a picture.
type Output struct {
	// Mobile and Objectron are middle layers, averaged over the picture: 816 and
	// 960 values, 0 to 6.
	Mobile, Objectron []float32

	// Classes are the first net's probabilities of drawing, hentai, neutral, porn
	// and sexy. Their sum is 1.
	Classes [5]float32
}

// Load reads the weights inside the binary. It returns ErrNoWeights if there are
// none, and another error if they are damaged.
func Load() (*Nets, error) { return loadEmbedded() }

// LoadFrom reads weights in the format that README.md describes, 6.6 MB. It
// checks their checksum and shapes.
func LoadFrom(r io.Reader) (*Nets, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxWeights+1))
	if err != nil {
		return nil, fmt.Errorf("weights of the nets: %w", err)
	}
	return load(data)
}

// load builds both nets from a file.
func load(data []byte) (*Nets, error) {
	n := &Nets{slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	file, err := open(data)
	if err != nil {
		return nil, fmt.Errorf("weights of the nets: %w", err)
	}

	if n.mobile, err = build(mobile, file); err != nil {
		return nil, fmt.Errorf("weights of the nets: mobile: %w", err)
	}
	if n.objectron, err = build(objectron, file); err != nil {
		return nil, fmt.Errorf("weights of the nets: objectron: %w", err)
	}
	if err := file.end(); err != nil {
		return nil, fmt.Errorf("weights of the nets: %w", err)
	}

	for value := range n.input {
		n.input[value] = float32(value)/127.5 - 1
	}
	n.scratch.New = func() any { return newScratch(n.mobile, n.objectron) }
	return n, nil
}

// Features runs both nets on a picture of Square×Square pixels, three bytes each:
// red, green, blue. It calls yield, if not nil, between layers, about every
// millisecond; yield may block, so that more urgent work goes first. Features
// computes on the caller's goroutine. As many calls run at once as Go uses
// processors when the nets are loaded; further ones wait. It fails if rgb has
// another size or ctx ends.
func (n *Nets) Features(ctx context.Context, rgb []byte, yield func()) (Output, error) {
	if len(rgb) != 3*Square*Square {
		return Output{}, fmt.Errorf("a picture of %d bytes, not %d×%d pixels", len(rgb), Square, Square)
	}

	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return Output{}, ctx.Err()
	}
	s := n.scratch.Get().(*scratch)
	defer n.scratch.Put(s)

	r := run{pause: pauser(ctx, yield), scratch: s, input: &n.input, rgb: rgb}
	mobile, err := r.network(n.mobile)
	if err != nil {
		return Output{}, err
	}
	objectron, err := r.network(n.objectron)
	if err != nil {
		return Output{}, err
	}
	return Output{Mobile: mobile.features, Objectron: objectron.features, Classes: [5]float32(mobile.classes)}, nil
}

// pauser gives way to others and tells whether the call goes on.
func pauser(ctx context.Context, yield func()) func() error {
	return func() error {
		if yield != nil {
			yield()
		}
		return ctx.Err()
	}
}
