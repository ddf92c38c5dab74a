package learn

import "math"

// residual writes the gradient of a picture's log loss by its logits (probability
// minus target) into r and returns the loss in nats. A softmax shares the target
// among the picture's labels.
func residual(several bool, z []float32, target []int32, r []float32) float64 {
	if several {
		return sigmoidResidual(z, target, r)
	}

	top := z[0]
	for _, v := range z[1:] {
		top = max(top, v)
	}
	var sum float64
	for c, v := range z {
		e := math.Exp(float64(v - top))
		r[c] = float32(e)
		sum += e
	}

	loss, share := math.Log(sum)+float64(top), 1/float32(len(target))
	scale := float32(1 / sum)
	for c := range r {
		r[c] *= scale
	}
	for _, c := range target {
		r[c] -= share
		loss -= float64(z[c] * share)
	}
	return loss
}

func sigmoidResidual(z []float32, target []int32, r []float32) float64 {
	var loss float64
	for c, v := range z {
		e := math.Exp(-math.Abs(float64(v)))
		loss += math.Log1p(e) + max(float64(v), 0)
		p := 1 / (1 + e)
		if v < 0 {
			p = e * p
		}
		r[c] = float32(p)
	}
	for _, c := range target {
		r[c]--
		loss -= float64(z[c])
	}
	return loss
}

// lossOf is residual without the gradient.
func lossOf(several bool, z []float32, target []int32) float64 {
	var loss float64
	if several {
		for _, v := range z {
			loss += math.Log1p(math.Exp(-math.Abs(float64(v)))) + max(float64(v), 0)
		}
		for _, c := range target {
			loss -= float64(z[c])
		}
		return loss
	}

	top := z[0]
	for _, v := range z[1:] {
		top = max(top, v)
	}
	for _, v := range z {
		loss += math.Exp(float64(v - top))
	}
	loss = math.Log(loss) + float64(top)
	for _, c := range target {
		loss -= float64(z[c]) / float64(len(target))
	}
	return loss
}

// prior is the logit of each label's frequency among the rows, half a picture
// added to each side: what a model answers that learnt nothing else.
func (t *task) prior(rows []int) []float32 {
	counts := make([]float64, len(t.labels))
	for _, i := range rows {
		for _, c := range t.targets[i] {
			if t.several {
				counts[c]++
			} else {
				counts[c] += 1 / float64(len(t.targets[i]))
			}
		}
	}

	out := make([]float32, len(counts))
	for c, k := range counts {
		if t.several {
			out[c] = float32(math.Log((k + 0.5) / (float64(len(rows)) - k + 0.5)))
		} else {
			out[c] = float32(math.Log((k + 0.5) / (float64(len(rows)) + 0.5*float64(len(counts)))))
		}
	}
	return out
}
