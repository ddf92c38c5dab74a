package net

import (
	"fmt"

	"inlet/learn/gemm"
)

// The architecture of Szegedy et al., "Rethinking the Inception Architecture for
// Computer Vision" (2015): stages one after the other, each of several branches
// beside each other, whose outputs stand side by side in the pixels after it.

// op is a convolution or a pool of height×width pixels.
type op struct {
	kind          kind
	channels      int // of a convolution's output
	height, width int
	stride        int
	same          bool // zeros around the picture keep its size
}

type kind uint8

const (
	convolution kind = iota
	highest          // of a pool's pixels
	mean
)

// branch is ops one after the other. The outputs of the last ones, if there are
// several, stand beside each other too.
type branch struct {
	ops  []op
	last []op
}

// conv is a convolution that keeps the picture's size.
func conv(channels, height, width int) op {
	return op{convolution, channels, height, width, 1, true}
}

// inner is a convolution without zeros around the picture.
func inner(channels, side, stride int) op {
	return op{convolution, channels, side, side, stride, false}
}

// pools are the two kinds of pools.
var (
	halve  = op{highest, 0, 3, 3, 2, false}
	smooth = op{mean, 0, 3, 3, 1, true}
)

// chain is a branch with one end.
func chain(ops ...op) branch {
	return branch{ops: ops[:len(ops)-1], last: ops[len(ops)-1:]}
}

// inception lists the stages of InceptionV3, in the order in which Keras numbers
// their convolutions.
func inception() [][]branch {
	stages := [][]branch{
		{chain(inner(32, 3, 2))},
		{chain(inner(32, 3, 1))},
		{chain(conv(64, 3, 3))},
		{chain(halve)},
		{chain(inner(80, 1, 1))},
		{chain(inner(192, 3, 1))},
		{chain(halve)},
	}
	for _, pooled := range []int{32, 64, 64} {
		stages = append(stages, []branch{
			chain(conv(64, 1, 1)),
			chain(conv(48, 1, 1), conv(64, 5, 5)),
			chain(conv(64, 1, 1), conv(96, 3, 3), conv(96, 3, 3)),
			chain(smooth, conv(pooled, 1, 1)),
		})
	}

	stages = append(stages, []branch{
		chain(inner(384, 3, 2)),
		chain(conv(64, 1, 1), conv(96, 3, 3), inner(96, 3, 2)),
		chain(halve),
	})
	for _, c := range []int{128, 160, 160, 192} {
		stages = append(stages, []branch{
			chain(conv(192, 1, 1)),
			chain(conv(c, 1, 1), conv(c, 1, 7), conv(192, 7, 1)),
			chain(conv(c, 1, 1), conv(c, 7, 1), conv(c, 1, 7), conv(c, 7, 1), conv(192, 1, 7)),
			chain(smooth, conv(192, 1, 1)),
		})
	}

	stages = append(stages, []branch{
		chain(conv(192, 1, 1), inner(320, 3, 2)),
		chain(conv(192, 1, 1), conv(192, 1, 7), conv(192, 7, 1), inner(192, 3, 2)),
		chain(halve),
	})
	for range 2 {
		ends := []op{conv(384, 1, 3), conv(384, 3, 1)}
		stages = append(stages, []branch{
			chain(conv(320, 1, 1)),
			{ops: []op{conv(384, 1, 1)}, last: ends},
			{ops: []op{conv(448, 1, 1), conv(384, 3, 3)}, last: ends},
			chain(smooth, conv(192, 1, 1)),
		})
	}
	return stages
}

// layer is an op with its weights, for a picture of one size.
type layer struct {
	op
	before, after int // sides of the picture
	in, out       int // channels
	weights       *gemm.Packed
}

// lane is a branch with its weights.
type lane struct{ layers, last []layer }

// stage is branches with their weights, and the picture after them.
type stage struct {
	lanes     []lane
	side, out int
}

// buildStages reads the weights of stages, for a picture of some side and channels.
func buildStages(file *weights, stages [][]branch, side, channels int) ([]stage, error) {
	built := make([]stage, 0, len(stages))
	for i, branches := range stages {
		var s stage
		for _, b := range branches {
			l, err := buildLane(file, b, side, channels)
			if err != nil {
				return nil, fmt.Errorf("stage %d: %w", i, err)
			}
			for _, end := range l.last {
				s.side, s.out = end.after, s.out+end.out
			}
			s.lanes = append(s.lanes, l)
		}
		built = append(built, s)
		side, channels = s.side, s.out
	}
	return built, nil
}

// buildLane reads the weights of a branch.
func buildLane(file *weights, b branch, side, channels int) (lane, error) {
	var l lane
	for _, o := range b.ops {
		built, err := buildLayer(file, o, side, channels)
		if err != nil {
			return lane{}, err
		}
		l.layers = append(l.layers, built)
		side, channels = built.after, built.out
	}
	for _, o := range b.last {
		built, err := buildLayer(file, o, side, channels)
		if err != nil {
			return lane{}, err
		}
		l.last = append(l.last, built)
	}
	return l, nil
}

// buildLayer reads the weights of an op.
func buildLayer(file *weights, o op, side, channels int) (layer, error) {
	l := o.layer(side, channels)
	if o.kind != convolution {
		return l, nil
	}
	var err error
	l.weights, err = file.scaled(o.height*o.width*channels, o.channels)
	return l, err
}

// layer is the op without weights.
func (o op) layer(side, channels int) layer {
	l := layer{op: o, before: side, after: (side-max(o.height, o.width))/o.stride + 1, in: channels, out: channels}
	if o.same {
		l.after = side
	}
	if o.kind == convolution {
		l.out = o.channels
	}
	return l
}
