package learn

import "math"

// calibrationSample is how many held-out pictures suffice for one or two numbers.
const calibrationSample = 20_000

// calibrationCells bounds pictures × labels of that.
const calibrationCells = 2_000_000

// fitTemperature finds the factor of the logits (1/temperature; Guo et al., "On
// Calibration of Modern Neural Networks", 2017) that minimises the log loss, by
// bisection of its derivative: the loss is convex in the factor.
func fitTemperature(z []float32, labels int, targets [][]int32) float32 {
	slope := func(factor float64) float64 {
		var sum float64
		for i, target := range targets {
			row := z[i*labels:][:labels]
			top := row[0]
			for _, v := range row[1:] {
				top = max(top, v)
			}
			var all, mean float64
			for _, v := range row {
				e := math.Exp(factor * float64(v-top))
				all += e
				mean += e * float64(v-top)
			}
			sum += mean / all
			for _, c := range target {
				sum -= float64(row[c]-top) / float64(len(target))
			}
		}
		return sum
	}

	low, high := math.Log(0.02), math.Log(20.0)
	for range 30 {
		middle := (low + high) / 2
		if slope(math.Exp(middle)) > 0 {
			high = middle
		} else {
			low = middle
		}
	}
	return float32(math.Exp((low + high) / 2))
}

// fitPlatt finds a and b of probability = sigmoid(a·z + b) for one label by Newton's
// method, with Platt's softened targets (Lin, Lin and Weng, "A note on Platt's
// probabilistic outputs", 2007). Too little data leaves a at 1 and b at 0.
func fitPlatt(z []float32, right []bool) (a, b float32) {
	var positives float64
	for _, r := range right {
		if r {
			positives++
		}
	}
	negatives := float64(len(right)) - positives
	if positives == 0 || negatives == 0 {
		return 1, 0
	}
	high, low := (positives+1)/(positives+2), 1/(negatives+2)

	x, y := 1.0, 0.0
	value := plattLoss(z, right, high, low, x, y)
	for range 50 {
		dx, dy := plattStep(z, right, high, low, x, y)
		if math.Abs(dx)+math.Abs(dy) < 1e-6 {
			break
		}
		t := 1.0
		for ; t > 1e-4; t /= 2 {
			if next := plattLoss(z, right, high, low, x+t*dx, y+t*dy); next < value {
				value = next
				break
			}
		}
		if t <= 1e-4 {
			break
		}
		x, y = x+t*dx, y+t*dy
	}
	// A falling curve means that the logits are noise: then only the frequency counts.
	if x < 0 {
		return 0, float32(math.Log((positives + 1) / (negatives + 1)))
	}
	return float32(x), float32(y)
}

func plattLoss(z []float32, right []bool, high, low, x, y float64) float64 {
	var loss float64
	for i, v := range z {
		f, target := x*float64(v)+y, low
		if right[i] {
			target = high
		}
		loss += math.Log1p(math.Exp(-math.Abs(f))) + max(f, 0) - target*f
	}
	return loss
}

// plattStep is Newton's step.
func plattStep(z []float32, right []bool, high, low, x, y float64) (dx, dy float64) {
	var gx, gy float64
	hxx, hxy, hyy := 1e-9, 0.0, 1e-9
	for i, v := range z {
		f, target := x*float64(v)+y, low
		if right[i] {
			target = high
		}
		p := 1 / (1 + math.Exp(-f))
		w := p * (1 - p)
		gx += (p - target) * float64(v)
		gy += p - target
		hxx += w * float64(v) * float64(v)
		hxy += w * float64(v)
		hyy += w
	}
	det := hxx*hyy - hxy*hxy
	if det <= 0 {
		return 0, 0
	}
	return -(hyy*gx - hxy*gy) / det, -(hxx*gy - hxy*gx) / det
}
