package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	resamples  = 2000 // up to manyDraws families
	fewSamples = 400  // above, where a mean has little noise left
	manyDraws  = 20_000
	sureLevel  = 0.005 // one-sided: a model of noise must not pass
	betterRisk = 0.05  // one-sided: between two models, and either may serve
	fewHeldOut = 8
)

// Verdict is the decision on a promotion.
type Verdict struct {
	Promote bool
	Reason  string // a sentence or two for people
}

// Compare decides whether the candidate may replace the serving model, nil if there
// is none. Both answer for the pictures of s that the candidate held out, each by the
// weights that never saw the picture's family; a picture whose family the serving
// model never saw gets its final weights. A label that a model does not know costs it
// 6.9 nats.
//
// The candidate must beat the frequencies of the labels, in log loss and in
// accuracy, and then the serving model in log loss, without being less accurate. Each
// time the difference must be more than noise by a bootstrap over families, paired
// picture by picture and drawn from seed.
func Compare(candidate, serving *Model, s Set, seed uint64) Verdict {
	e := candidate.examine(s)
	if e.n < fewHeldOut {
		return Verdict{Reason: fmt.Sprintf("It was judged on %d pictures, which is too few to decide.", e.n)}
	}
	rng := rand.New(rand.NewPCG(seed, streamCompare))
	own := e.judge(candidate)
	prior := e.prior()

	gain := e.bootstrap(prior.loss, own.loss, sureLevel, rng)
	hits := e.bootstrap(own.right, prior.right, betterRisk, rng)
	if gain.low <= 0 || hits.low <= 0 {
		return Verdict{Reason: fmt.Sprintf(
			"It is right on %s of %d held-out pictures. Guessing the commonest label is right on %s: the difference may be chance.",
			percent(own.right), e.n, percent(prior.right))}
	}
	if serving == nil {
		return Verdict{Promote: true, Reason: fmt.Sprintf(
			"It is right on %s of %d held-out pictures, guessing the commonest label on %s. There was no serving model.",
			percent(own.right), e.n, percent(prior.right))}
	}
	if serving.dims != candidate.dims {
		return Verdict{Promote: true, Reason: fmt.Sprintf(
			"It is right on %s of %d held-out pictures, guessing the commonest label on %s. The serving model reads other features and cannot judge these.",
			percent(own.right), e.n, percent(prior.right))}
	}
	return e.against(own, e.judge(serving), rng)
}

// against compares with the serving model.
func (e *exam) against(own, serving scores, rng *rand.Rand) Verdict {
	gain := e.bootstrap(serving.loss, own.loss, betterRisk, rng)
	hits := e.bootstrap(own.right, serving.right, betterRisk, rng)
	figures := fmt.Sprintf("It is right on %s of %d held-out pictures, the serving model on %s. Its log loss is %.3f, that one's %.3f: ",
		percent(own.right), e.n, percent(serving.right), mean(own.loss), mean(serving.loss))

	switch {
	case hits.high < 0:
		return Verdict{Reason: figures + "it is right less often, by more than chance."}
	case gain.high < 0:
		return Verdict{Reason: figures + "its probabilities are worse, by more than chance."}
	case gain.low <= 0:
		return Verdict{Reason: figures + "the difference may be chance."}
	}
	return Verdict{Promote: true, Reason: figures + "it is better, by more than chance."}
}

// exam is the pictures that the candidate held out.
type exam struct {
	several  bool
	labels   []string  // all that a picture or the candidate has
	examples []Example // of the set
	targets  [][]int32 // indices into labels
	folds    []int8    // of the candidate
	clusters [][]int   // pictures of each family
	n        int
}

// examine selects the pictures, and those labels that the candidate was to learn.
func (m *Model) examine(s Set) *exam {
	e := &exam{several: m.several, labels: m.labels}
	families := map[int]int{}
	for _, example := range s.Examples {
		fold := m.Fold(example.ID)
		if fold < 0 || len(example.Vector) != m.dims {
			continue
		}
		var target []int32
		for _, l := range example.Labels {
			if l < 0 || l >= len(s.Labels) {
				continue
			}
			if at, found := slices.BinarySearch(m.labels, s.Labels[l]); found {
				target = append(target, int32(at))
			}
		}
		if len(target) == 0 && !m.several {
			continue
		}

		family, known := families[example.Family]
		if !known {
			family = len(e.clusters)
			families[example.Family] = family
			e.clusters = append(e.clusters, nil)
		}
		e.clusters[family] = append(e.clusters[family], e.n)
		e.examples = append(e.examples, example)
		e.targets = append(e.targets, target)
		e.folds = append(e.folds, int8(fold))
		e.n++
	}
	return e
}

// scores are a model's log loss and hits on each picture.
type scores struct{ loss, right []float64 }

func (e *exam) newScores() scores { return scores{make([]float64, e.n), make([]float64, e.n)} }

// score files the probabilities of e.labels for picture i.
func (e *exam) score(s scores, i int, p []float32) {
	best := 0
	for c := range p {
		if p[c] > p[best] {
			best = c
		}
	}
	s.loss[i] = lossAt(e.several, p, e.targets[i])
	if has(e.targets[i], best) && p[best] > 0 || len(e.targets[i]) == 0 && p[best] < 0.5 {
		s.right[i] = 1
	}
}

// judge asks a model about every picture. A label of its own that the candidate
// does not have takes its share of the probability and wins if it is likeliest.
func (e *exam) judge(m *Model) scores {
	s := e.newScores()
	at := make([]int, len(m.labels))
	for c, l := range m.labels {
		k, found := slices.BinarySearch(e.labels, l)
		at[c] = k
		if !found {
			at[c] = -1
		}
	}

	folds := e.foldsOf(m)
	parallel(chunks(e.n, batchRows), func(b int) {
		own, p := make([]float32, len(m.labels)), make([]float32, len(e.labels))
		for i := b * batchRows; i < min(e.n, (b+1)*batchRows); i++ {
			m.probabilities(e.examples[i].Vector, folds[i], own)
			if m.several && !e.several {
				share(own)
			}
			clear(p)
			var foreign float32
			for c, v := range own {
				if at[c] >= 0 {
					p[at[c]] = v
				} else {
					foreign = max(foreign, v)
				}
			}
			e.score(s, i, p)
			if foreign > slices.Max(p) {
				s.right[i] = 0
			}
		}
	})
	return s
}

// foldsOf is the fold whose weights answer for each picture: the picture's own, else
// one of its family's, so that no model answers from a near-duplicate, else -1.
func (e *exam) foldsOf(m *Model) []int {
	folds := make([]int, e.n)
	for _, members := range e.clusters {
		known := -1
		for _, i := range members {
			folds[i] = m.Fold(e.examples[i].ID)
			known = max(known, folds[i])
		}
		for _, i := range members {
			if folds[i] < 0 {
				folds[i] = known
			}
		}
	}
	return folds
}

// share makes independent probabilities sum to 1 at most.
func share(p []float32) {
	var sum float32
	for _, v := range p {
		sum += v
	}
	for c := range p {
		p[c] /= max(sum, 1)
	}
}

// prior answers with the frequencies of the labels outside the picture's fold.
func (e *exam) prior() scores {
	folds := int(slices.Max(e.folds)) + 1
	p := make([][]float32, folds)
	t := &task{several: e.several, labels: e.labels, targets: e.targets}
	for f := range p {
		var rows []int
		for i, own := range e.folds {
			if int(own) != f {
				rows = append(rows, i)
			}
		}
		p[f] = t.prior(rows)
		(&Model{several: e.several, scale: ones(len(e.labels)), shift: make([]float32, len(e.labels))}).calibrate(p[f])
	}

	s := e.newScores()
	for i, f := range e.folds {
		e.score(s, i, p[f])
	}
	return s
}

// interval is a mean and the bounds that the risk allows on either side.
type interval struct{ mean, low, high float64 }

// bootstrap resamples families and returns the mean of a−b (Efron and Tibshirani,
// "An Introduction to the Bootstrap", 1993: paired differences, percentiles).
func (e *exam) bootstrap(a, b []float64, risk float64, rng *rand.Rand) interval {
	sums, sizes := make([]float64, len(e.clusters)), make([]float64, len(e.clusters))
	for f, members := range e.clusters {
		for _, i := range members {
			sums[f] += a[i] - b[i]
		}
		sizes[f] = float64(len(members))
	}

	means := make([]float64, resamples)
	if len(sums) > manyDraws {
		means = means[:fewSamples]
	}
	for r := range means {
		var sum, size float64
		for range sums {
			f := rng.IntN(len(sums))
			sum += sums[f]
			size += sizes[f]
		}
		means[r] = sum / size
	}
	slices.Sort(means)
	low := int(math.Floor(risk * float64(len(means)-1)))
	return interval{mean: mean(a) - mean(b), low: means[low], high: means[len(means)-1-low]}
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(len(v), 1))
}

func percent(right []float64) string { return fmt.Sprintf("%.1f%%", 100*mean(right)) }
