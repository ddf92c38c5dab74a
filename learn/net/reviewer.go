package net

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"inlet/learn/gemm"
)

// ReviewSquare is the side of a Reviewer's input in pixels.
const ReviewSquare = 299

// Reviewer is npm's nsfwjs' InceptionV3, which judges the five classes of
// Output.Classes with fewer errors than the first net and takes several times as
// long. Its weights are a file of 22 MB that the binary does not contain
// (README.md tells how to make it), and 88 MB once they are loaded. It is safe for
// concurrent use; one call runs at a time.
type Reviewer struct {
	stages []stage
	dense  [3]*gemm.Packed

	slot    chan struct{} // of the call that runs, which has the memory below
	scratch reviewScratch
}

// reviewScratch is the memory of a call.
type reviewScratch struct {
	in, out []float32    // of a stage
	inside  [2][]float32 // of a branch, in turns
	columns []float32
}

// columnValues is how many values of a convolution's matrix are gathered at once.
const columnValues = 192 << 10

// LoadReviewer reads a Reviewer from a file, and checks the file's checksum and all
// shapes.
func LoadReviewer(path string) (*Reviewer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights of the reviewer: %w", err)
	}
	defer file.Close()

	data, err := io.ReadAll(io.LimitReader(file, maxWeights+1))
	if err != nil {
		return nil, fmt.Errorf("weights of the reviewer: %w", err)
	}
	r, err := buildReviewer(data)
	if err != nil {
		return nil, fmt.Errorf("weights of the reviewer: %s: %w", path, err)
	}
	return r, nil
}

// buildReviewer builds a Reviewer from a file's bytes.
func buildReviewer(data []byte) (*Reviewer, error) {
	file, err := open(data)
	if err != nil {
		return nil, err
	}
	r := &Reviewer{slot: make(chan struct{}, 1)}
	if r.stages, err = buildStages(file, inception(), ReviewSquare, 3); err != nil {
		return nil, err
	}

	channels := r.stages[len(r.stages)-1].out
	for i, units := range []int{256, 128, 5} {
		if r.dense[i], err = file.pointwise(channels, units); err != nil {
			return nil, fmt.Errorf("dense layer %d: %w", i, err)
		}
		channels = units
	}
	r.scratch = newReviewScratch(r.stages)
	return r, file.end()
}

// Review returns the probabilities of drawing, hentai, neutral, porn and sexy for a
// picture of ReviewSquare×ReviewSquare pixels, three bytes each: red, green, blue.
// It calls yield, if not nil, between layers. It fails if rgb has another size or
// ctx ends.
func (r *Reviewer) Review(ctx context.Context, rgb []byte, yield func()) ([5]float32, error) {
	if len(rgb) != 3*ReviewSquare*ReviewSquare {
		return [5]float32{}, fmt.Errorf("a picture of %d bytes, not %d×%d pixels", len(rgb), ReviewSquare, ReviewSquare)
	}
	select {
	case r.slot <- struct{}{}:
		defer func() { <-r.slot }()
	case <-ctx.Done():
		return [5]float32{}, ctx.Err()
	}

	s, pause := &r.scratch, pauser(ctx, yield)
	for i, value := range rgb {
		s.in[i] = float32(value) / 255
	}
	channels := 3
	for i := range r.stages {
		if err := s.run(&r.stages[i], channels, pause); err != nil {
			return [5]float32{}, err
		}
		channels = r.stages[i].out
	}

	last := r.stages[len(r.stages)-1]
	return r.classes(average(s.in, last.side*last.side, last.out)), nil
}

// classes turns the mean pixel into probabilities.
func (r *Reviewer) classes(values []float32) [5]float32 {
	for i, d := range r.dense {
		limit := gemm.Positive
		if i == len(r.dense)-1 {
			limit = gemm.Unlimited
		}
		next := make([]float32, d.Columns())
		d.Mul(1, values, len(values), next, len(next), false, limit)
		values = next
	}
	softmax(values)
	return [5]float32(values)
}

// newReviewScratch makes the memory that the stages need.
func newReviewScratch(stages []stage) reviewScratch {
	outside, inside, columns := 3*ReviewSquare*ReviewSquare, 0, columnValues
	for _, s := range stages {
		outside = max(outside, s.side*s.side*s.out)
		for _, lane := range s.lanes {
			for _, l := range lane.layers {
				inside = max(inside, l.after*l.after*l.out)
			}
			for _, l := range append(slices.Clone(lane.layers), lane.last...) {
				columns = max(columns, l.height*l.width*l.in*l.after)
			}
		}
	}
	return reviewScratch{
		in: make([]float32, outside), out: make([]float32, outside),
		inside:  [2][]float32{make([]float32, inside), make([]float32, inside)},
		columns: make([]float32, columns),
	}
}

// run computes a stage from s.in to s.in, after a stage of some channels.
func (s *reviewScratch) run(stage *stage, channels int, pause func() error) error {
	offset := 0
	for _, lane := range stage.lanes {
		at := pixels{s.in, channels}
		for i := range lane.layers {
			l := &lane.layers[i]
			next := pixels{s.inside[i%2], l.out}
			l.run(at, next, s.columns)
			at = next
			if err := pause(); err != nil {
				return err
			}
		}

		for i := range lane.last {
			lane.last[i].run(at, pixels{s.out[offset:], stage.out}, s.columns)
			offset += lane.last[i].out
			if err := pause(); err != nil {
				return err
			}
		}
	}
	s.in, s.out = s.out, s.in
	return nil
}
