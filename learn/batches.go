package learn

import (
	"context"
	"math"
	"slices"
)

// penaltySample is how many examples choose the penalty of a large set.
const penaltySample = 2000

// curveParts are the learning curve's shares of the training pictures.
func curveParts() []float64 { return []float64{0.125, 0.25, 0.5} }

// batches trains a large set.
func (r *run) batches(ctx context.Context) (*fits, error) {
	penalty, err := r.samplePenalty(ctx)
	if err != nil {
		return nil, err
	}
	f := &fits{penalty: penalty, folds: make([]weights, r.split.folds)}
	a := r.t.newAdam(r.t.scaling())
	done, total := 0.1, float64(r.split.folds)+2.0
	fit := func(stage string, rows []int, stream uint64) (weights, error) {
		share := 0.85 * (float64(len(rows)) / float64(r.t.n)) / total
		l, err := a.fit(ctx, rows, lambda(penalty, len(rows)), r.random(stream), func(d float64) {
			r.progress(stage, min(done+share*d, 0.95))
		})
		done = min(done+share, 0.95)
		if err != nil {
			return weights{}, err
		}
		return r.t.quantised(l)
	}

	for fold := range f.folds {
		if f.folds[fold], err = fit("evaluate", r.split.rows(fold, false), streamFold+uint64(fold)); err != nil {
			return nil, err
		}
	}
	if f.final, err = fit("train", r.split.rows(-1, false), streamFinal); err != nil {
		return nil, err
	}
	for _, part := range curveParts() {
		rows := r.part(r.split.rows(0, false), 0, part)
		w, err := fit("curve", rows, streamCurve)
		if err != nil {
			return nil, err
		}
		point, err := r.point(ctx, w, len(rows))
		if err != nil {
			return nil, err
		}
		f.curve = append(f.curve, point)
	}
	return f, nil
}

// samplePenalty chooses the penalty by exact cross-validation on a sample. The
// penalty is a prior of the weights (1/C beside the summed loss), so it holds
// for more examples too.
func (r *run) samplePenalty(ctx context.Context) (float64, error) {
	rows := r.random(streamSample).Perm(r.t.n)[:min(r.t.n, penaltySample, kernelCells/len(r.t.labels))]
	slices.Sort(rows)
	sample := &task{labels: r.t.labels, several: r.t.several, dims: r.t.dims, n: len(rows)}
	families := map[int]int{}
	for _, i := range rows {
		family, known := families[r.t.family[i]]
		if !known {
			family = len(families)
			families[r.t.family[i]] = family
		}
		sample.family = append(sample.family, family)
		sample.ids = append(sample.ids, r.t.ids[i])
		sample.vectors = append(sample.vectors, r.t.vectors[i])
		sample.targets = append(sample.targets, r.t.targets[i])
	}

	part := &run{t: sample, seed: r.seed, progress: r.progress}
	part.split = sample.split(part.random(streamSplit))
	g, err := sample.gramOf(ctx, sample.scaling(), part.split.rows(-1, false))
	if err != nil {
		return 0, err
	}
	return part.choosePenalty(ctx, part.heldFolds(g), func(done float64) { r.progress("choose", 0.1*done) })
}

// part is a share of the rows, the same for a seed and a fold, and a superset of
// any smaller share.
func (r *run) part(rows []int, fold int, share float64) []int {
	rng := r.random(streamFold + 100 + uint64(fold))
	out := make([]int, 0, int(share*float64(len(rows))))
	for _, k := range rng.Perm(len(rows))[:cap(out)] {
		out = append(out, rows[k])
	}
	slices.Sort(out)
	return out
}

// point judges weights on the pictures that fold 0 holds out.
func (r *run) point(ctx context.Context, w weights, images int) (CurvePoint, error) {
	c := len(r.t.labels)
	rows := r.split.rows(0, true)
	rows = rows[:min(len(rows), calibrationSample, calibrationCells/c)]
	m := &Model{several: r.t.several, final: w, scale: ones(c), shift: make([]float32, c)}
	p := make([]float32, len(rows)*c)
	parallel(chunks(len(rows), batchRows), func(b int) {
		for k := b * batchRows; k < min(len(rows), (b+1)*batchRows) && ctx.Err() == nil; k++ {
			m.probabilities(r.t.vectors[rows[k]], -1, p[k*c:][:c])
		}
	})
	if err := ctx.Err(); err != nil {
		return CurvePoint{}, err
	}

	y := r.t.newTally()
	for k, i := range rows {
		y.add(p[k*c:][:c], r.t.targets[i])
	}
	return y.point(images), nil
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// lossFloor bounds what one picture can cost, so that a few wrong labels decide
// nothing, and prices a label that a model does not know: 6.9 nats.
const lossFloor = 1e-3

// lossAt is the log loss of probabilities, in nats.
func lossAt(several bool, p []float32, target []int32) float64 {
	var loss float64
	if !several {
		for _, c := range target {
			loss -= math.Log(max(float64(p[c]), lossFloor)) / float64(len(target))
		}
		return loss
	}
	for c, v := range p {
		q := 1 - float64(v)
		if has(target, c) {
			q = float64(v)
		}
		loss -= math.Log(max(q, lossFloor))
	}
	return loss
}
