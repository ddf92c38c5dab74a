package learn

import "math"

// Uncertainty is how much a label by hand would settle: 0 certain, 1 open. It is
// high if the likeliest label is unlikely, and if the second one is neither excluded
// nor certain (in mode "several" both may hold). No prediction is 1.
func Uncertainty(p []Prediction) float32 {
	if len(p) == 0 {
		return 1
	}
	u := 1 - p[0].Probability
	if len(p) > 1 {
		second := p[1].Probability
		u = max(u, 2*min(second, 1-second))
	}
	return min(max(u, 0), 1)
}

// Spread picks n of the candidates: uncertain ones, and different from each other.
// It returns their indices, the first to label first. Greedily it takes the
// candidate with the highest uncertainty × (1 − cosine to the closest one taken). It
// compares a candidate only while that may be the best, at most n times, so that
// 50 of 2,000 candidates cost 100,000 comparisons at worst.
func Spread(vectors [][]int8, uncertainty []float32, n int) []int {
	n = max(min(n, len(vectors), len(uncertainty)), 0)
	chosen := make([]int, 0, n)
	candidates := newCandidates(vectors, uncertainty)
	for len(chosen) < n {
		best := 0
		for i := range candidates {
			if candidates[i].score > candidates[best].score {
				best = i
			}
		}
		c := &candidates[best]
		if c.compared < len(chosen) && c.score > 0 {
			c.compare(&candidates[chosen[c.compared]], vectors)
			continue
		}
		if c.score < 0 {
			break
		}
		chosen = append(chosen, best)
		c.score = -1
	}
	return chosen
}

// candidate has an upper bound of its score, from the chosen ones that it was
// compared with.
type candidate struct {
	index       int
	uncertainty float32
	length      float64
	score       float32
	compared    int
}

func newCandidates(vectors [][]int8, uncertainty []float32) []candidate {
	out := make([]candidate, min(len(vectors), len(uncertainty)))
	for i := range out {
		// A certain picture is still better than a copy of one that is taken.
		u := max(uncertainty[i], 1e-3)
		out[i] = candidate{index: i, uncertainty: u, score: u, length: math.Sqrt(float64(dotInt8(vectors[i], vectors[i])))}
	}
	return out
}

func (c *candidate) compare(taken *candidate, vectors [][]int8) {
	var cosine float64
	if length := c.length * taken.length; length > 0 {
		cosine = float64(dotInt8(vectors[c.index], vectors[taken.index])) / length
	} else if c.length == taken.length {
		cosine = 1 // both are empty
	}
	c.score = min(c.score, c.uncertainty*float32(1-min(max(cosine, 0), 1)))
	c.compared++
}

// dotInt8 is the inner product of the common width.
func dotInt8(a, b []int8) int64 {
	const block = 1 << 16 // 2¹⁶ × 2¹⁴ < 2³¹
	var sum int64
	for len(a) > 0 && len(b) > 0 {
		n := min(len(a), len(b), block)
		x, y := a[:n], b[:n]
		var s, t int32
		i := 0
		for ; i+1 < len(x); i += 2 {
			s += int32(x[i]) * int32(y[i])
			t += int32(x[i+1]) * int32(y[i+1])
		}
		if i < len(x) {
			s += int32(x[i]) * int32(y[i])
		}
		sum += int64(s) + int64(t)
		a, b = a[n:], b[n:]
	}
	return sum
}
