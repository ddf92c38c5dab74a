package learn

import (
	"bytes"
	"math"
	"slices"
	"sort"
)

// MaxPredictions is how many labels Predict returns at most.
const MaxPredictions = 5

// Model is a trained classifier with all that its evaluation needs again. It does
// not change and serves any number of goroutines.
type Model struct {
	labels  []string
	several bool
	dims    int
	seed    uint64
	penalty float64 // strength of L2, see grid
	final   weights
	folds   []weights // folds[f] never saw a family of fold f
	scale   []float32 // of the logits: one (temperature), or one a label (Platt)
	shift   []float32 // Platt's offset, one a label; empty for a temperature
	ids     [][16]byte
	fold    []int8 // in which ids[i] was held out
	metrics Metrics
}

// Prediction is a label and its calibrated probability.
type Prediction struct {
	Label       string
	Probability float32 // 0 to 1; they sum to 1 over all labels in mode "single"
}

// Labels lists the labels that the model knows, sorted. Do not change it.
func (m *Model) Labels() []string { return m.labels }

// Metrics says how the model did on held-out pictures. Do not change its slices.
func (m *Model) Metrics() Metrics { return m.metrics }

// Dims is the width of the vectors that the model reads.
func (m *Model) Dims() int { return m.dims }

// Fold is the fold in which the picture was held out while the model was
// evaluated, -1 if the model never saw it.
func (m *Model) Fold(id [16]byte) int {
	at := sort.Search(len(m.ids), func(i int) bool { return bytes.Compare(m.ids[i][:], id[:]) >= 0 })
	if at < len(m.ids) && m.ids[at] == id {
		return int(m.fold[at])
	}
	return -1
}

// Predict returns the likeliest labels first, at most MaxPredictions, nil for a
// vector of another width. Fold -1 uses the final weights; another one uses the
// weights that never saw that fold's families, so that a picture near to a labelled
// one is not predicted from itself.
func (m *Model) Predict(v []int8, fold int) []Prediction {
	if len(v) != m.dims {
		return nil
	}
	var room [MaxLabels]float32
	p := room[:len(m.labels)]
	m.probabilities(v, fold, p)

	var top [MaxPredictions]int
	count := 0
	for c := range p {
		at := count
		for at > 0 && p[c] > p[top[at-1]] {
			at--
		}
		if at == MaxPredictions {
			continue
		}
		count = min(count+1, MaxPredictions)
		copy(top[at+1:count], top[at:])
		top[at] = c
	}

	out := make([]Prediction, count)
	for i, c := range top[:count] {
		out[i] = Prediction{m.labels[c], p[c]}
	}
	return out
}

// logits writes uncalibrated logits into z.
func (m *Model) logits(v []int8, fold int, z []float32) {
	if fold >= 0 && fold < len(m.folds) {
		m.folds[fold].logits(v, z)
		return
	}
	m.final.logits(v, z)
}

// probabilities writes the calibrated probability of each label into p.
func (m *Model) probabilities(v []int8, fold int, p []float32) {
	m.logits(v, fold, p)
	m.calibrate(p)
}

// calibrate turns logits into probabilities, in place.
func (m *Model) calibrate(z []float32) {
	if m.several {
		for c, v := range z {
			z[c] = float32(1 / (1 + math.Exp(-float64(v*m.scale[c]+m.shift[c]))))
		}
		return
	}

	top := slices.Max(z)
	var sum float64
	for c, v := range z {
		e := math.Exp(float64((v - top) * m.scale[0]))
		z[c] = float32(e)
		sum += e
	}
	for c := range z {
		z[c] *= float32(1 / sum)
	}
}
