package learn

import "math"

// scaling centres vectors on the mean of all examples and makes their mean squared
// length 1, so that one grid of penalties and one learning rate fit any features.
// The mean needs no labels, and with a bias it does not change what is learnt.
type scaling struct {
	mean   []float32
	factor float32
}

func (t *task) scaling() scaling {
	sums := make([]int64, t.dims)
	var squares int64
	for _, v := range t.vectors {
		for j, x := range v {
			sums[j] += int64(x)
			squares += int64(x) * int64(x)
		}
	}

	s := scaling{mean: make([]float32, t.dims), factor: 1}
	n, length := float64(t.n), float64(squares)/float64(t.n)
	for j, sum := range sums {
		m := float64(sum) / n
		s.mean[j] = float32(m)
		length -= m * m
	}
	// Identical vectors leave nothing but rounding.
	if length > 1e-3 {
		s.factor = float32(1 / math.Sqrt(length))
	}
	return s
}

// apply writes the scaled vector into out.
func (s scaling) apply(v []int8, out []float32) {
	mean, out := s.mean[:len(v)], out[:len(v)]
	for j, x := range v {
		out[j] = (float32(x) - mean[j]) * s.factor
	}
}

// linear is a classifier of unscaled vectors: logits = W·x + bias.
type linear struct {
	w    []float32 // labels × dims
	bias []float32
}

// unscale turns weights of scaled vectors, in place, into weights of int8 ones.
func (s scaling) unscale(w, bias []float32) linear {
	for c := range bias {
		row := w[c*len(s.mean):][:len(s.mean)]
		var shift float64
		for j := range row {
			row[j] *= s.factor
			shift += float64(row[j]) * float64(s.mean[j])
		}
		bias[c] -= float32(shift)
	}
	return linear{w: w, bias: bias}
}
