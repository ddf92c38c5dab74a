package net

import (
	"fmt"

	"inlet/learn/gemm"
)

// architecture is a MobileNetV2: a 3×3 convolution of stride 2 (the stem), blocks,
// and perhaps a head that tells classes.
type architecture struct {
	stem   int // channels after the first convolution
	blocks []shape

	// features is the number of the block whose depthwise convolution is the
	// net's output.
	features int

	// head is the number of channels before the classes. With 0 the net ends
	// after its features.
	head, classes int
}

// shape is a block: its channels afterwards, and how it scales the picture down.
type shape struct{ out, stride int }

// widening is how many times as many channels a block has inside as before it. The
// first block does not widen.
const widening = 6

var (
	mobile = architecture{
		stem: 48, features: 13, head: 1792, classes: 5,
		blocks: []shape{
			{24, 1},
			{32, 2},
			{32, 1},
			{48, 2},
			{48, 1},
			{48, 1},
			{88, 2},
			{88, 1},
			{88, 1},
			{88, 1},
			{136, 1},
			{136, 1},
			{136, 1},
			{224, 2},
			{224, 1},
			{224, 1},
			{448, 1},
		},
	}
	objectron = architecture{
		stem: 32, features: 15,
		blocks: []shape{
			{16, 1},
			{24, 2},
			{24, 1},
			{32, 2},
			{32, 1},
			{32, 1},
			{64, 2},
			{64, 1},
			{64, 1},
			{64, 1},
			{96, 1},
			{96, 1},
			{96, 1},
			{160, 2},
			{160, 1},
			{160, 1},
		},
	}
)

// network is an architecture with its weights.
type network struct {
	stem     *gemm.Packed // 27 values of 3×3 pixels × channels
	blocks   []block
	features int

	head, classes *gemm.Packed // nil if the net ends after its features
}

// block is an inverted residual: it widens each pixel, convolves each channel with
// its neighbours, and narrows each pixel. If its input and output have one shape,
// it adds the input to the output.
type block struct {
	expand    *gemm.Packed // nil in the first block
	depthwise depthwise
	project   *gemm.Packed // nil if the net ends before it

	in, inside, out int // channels
	residual        bool
}

// build reads the weights of an architecture.
func build(a architecture, file *weights) (*network, error) {
	n := &network{features: a.features}
	var err error
	if n.stem, err = file.pointwise(3*3*3, a.stem); err != nil {
		return nil, fmt.Errorf("stem: %w", err)
	}

	channels := a.stem
	for i, s := range a.blocks {
		ends := a.head == 0 && i == a.features
		b, err := buildBlock(file, channels, s, i > 0, !ends)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		n.blocks = append(n.blocks, b)
		channels = s.out
	}

	if a.head == 0 {
		return n, nil
	}
	if n.head, err = file.pointwise(channels, a.head); err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	if n.classes, err = file.pointwise(a.head, a.classes); err != nil {
		return nil, fmt.Errorf("classes: %w", err)
	}
	return n, nil
}

// buildBlock reads the weights of a block after a number of channels.
func buildBlock(file *weights, channels int, s shape, widens, narrows bool) (block, error) {
	b := block{in: channels, inside: channels, out: s.out, residual: s.stride == 1 && channels == s.out}
	var err error
	if widens {
		b.inside = widening * channels
		if b.expand, err = file.pointwise(b.in, b.inside); err != nil {
			return block{}, fmt.Errorf("expand: %w", err)
		}
	}

	if b.depthwise, err = file.depthwise(b.inside, s.stride); err != nil {
		return block{}, fmt.Errorf("depthwise: %w", err)
	}
	if narrows {
		if b.project, err = file.pointwise(b.inside, b.out); err != nil {
			return block{}, fmt.Errorf("project: %w", err)
		}
	}
	return b, nil
}
