package learn

import "math"

const (
	weightMax = 2047 // a weight has 12 bits
	laneBlock = 8192 // 128 × 2047 × 8192 < 2³¹: products of two labels fit in one word
)

// weights is a classifier with 12 bits a weight and a scale for each label, laid out
// for speed: a word holds the weights of two labels, w₀ + w₁·2³², so one integer
// multiplication with a feature serves both, and their sums do not meet before
// laneBlock features.
type weights struct {
	labels, dims int
	scale, bias  []float32 // labels
	pairs        []int64   // ⌈labels/2⌉ × dims
}

func newWeights(labels, dims int) weights {
	return weights{
		labels: labels, dims: dims,
		scale: make([]float32, labels), bias: make([]float32, labels),
		pairs: make([]int64, (labels+1)/2*dims),
	}
}

// quantise rounds a classifier. The error of a logit is below a thousandth.
func quantise(l linear, dims int) weights {
	q := newWeights(len(l.bias), dims)
	copy(q.bias, l.bias)
	for c := range l.bias {
		row := l.w[c*dims:][:dims]
		var top float32
		for _, v := range row {
			top = max(top, v, -v)
		}
		if top == 0 {
			continue
		}
		q.scale[c] = top / weightMax
		for j, v := range row {
			q.put(c, j, int16(math.Round(float64(v/top)*weightMax)))
		}
	}
	return q
}

// put sets a weight that is 0.
func (q weights) put(label, feature int, w int16) {
	q.pairs[label/2*q.dims+feature] += int64(w) << (32 * (label % 2))
}

// get is the inverse of put.
func (q weights) get(label, feature int) int16 {
	word := q.pairs[label/2*q.dims+feature]
	low := int32(word)
	if label%2 == 0 {
		return int16(low)
	}
	return int16((word - int64(low)) >> 32)
}

// logits writes the logit of each label into z.
func (q weights) logits(v []int8, z []float32) {
	copy(z, q.bias)
	for lo := 0; lo < q.dims; lo += laneBlock {
		part := v[lo:min(lo+laneBlock, q.dims)]
		pairs := (q.labels + 1) / 2
		p := 0
		for ; p+1 < pairs; p += 2 {
			s, t := dotTwo(part, q.pairs[p*q.dims+lo:], q.pairs[(p+1)*q.dims+lo:])
			q.spread(z, p, s)
			q.spread(z, p+1, t)
		}
		if p < pairs {
			s, _ := dotTwo(part, q.pairs[p*q.dims+lo:], q.pairs[p*q.dims+lo:])
			q.spread(z, p, s)
		}
	}
}

// dotTwo multiplies a vector with two rows of words.
func dotTwo(v []int8, a, b []int64) (s, t int64) {
	a, b = a[:len(v)], b[:len(v)]
	for j, x := range v {
		s += int64(x) * a[j]
		t += int64(x) * b[j]
	}
	return s, t
}

// spread adds both sums of a word to their logits.
func (q weights) spread(z []float32, p int, sum int64) {
	low := int32(sum)
	z[2*p] += float32(low) * q.scale[2*p]
	if 2*p+1 < q.labels {
		z[2*p+1] += float32((sum-int64(low))>>32) * q.scale[2*p+1]
	}
}
