package quality

import "math"

// seen is how long a picture is when its sharpness is judged, in pixels.
const seen = 640

// sharpness is that of Quality.
func (s *stats) sharpness(src Source) float64 {
	samples := s.blur()
	blur := samples * float64(max(src.Width, src.Height)) / float64(s.long) // in pixels of the file
	if b := src.Blocks; b != nil && (len(b.Ends) > 0 || samples < coarse) {
		blur = min(blur, b.blur())
	}

	view := blur * min(1, seen/float64(max(src.Width, src.Height, 1)))
	return 1 / (1 + view*view)
}

// coarse is a blur that an eighth of a picture shows, in its samples; it hides less.
const coarse = 1.2

// blur is the deviation of the Gaussian that would blur a step to the steepest
// edges of the picture, in samples of luma. It compares the largest differences of
// neighbours with those of samples far apart, which hold the whole step. A direction
// with hardly any edges, as along stripes, says nothing.
func (s *stats) blur() float64 {
	var blurs, steps [2]float64
	for i, d := range [2]*[2]histogram{&s.across, &s.down} {
		near, away := d[0].quantile(1-nearShare), d[1].quantile(1-farShare)
		steps[i] = float64(max(away, 1))
		blurs[i] = blurOf(float64(near) / steps[i])
	}
	switch {
	case steps[0] < steps[1]/oneWay:
		return blurs[1]
	case steps[1] < steps[0]/oneWay:
		return blurs[0]
	}

	return max(blurs[0], blurs[1])
}

// oneWay is how many times as high the steps of one direction must be for the other
// not to count.
const oneWay = 8

// The share of differences that are those of the steepest edges: an edge lies
// between far times as many samples that are far apart as neighbours.
const (
	nearShare = 0.005
	farShare  = 0.02
)

// blurOf is the deviation for which erf(x/d) / erf(far·x/d) is the ratio, by
// bisection.
func blurOf(ratio float64) float64 {
	low, high := 0.3, 16.0
	for range 12 {
		mid := (low + high) / 2
		if math.Erf(1/(2*math.Sqrt2*mid))/math.Erf(far/(2*math.Sqrt2*mid)) > ratio {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// blur is the deviation of the Gaussian that would leave the blocks with the finest
// detail as they are, in pixels. A Gaussian damps a wave
// of f periods a pixel by exp(-2π²σ²f²), so the last coefficient of a block, on the
// n-th diagonal with n/16 periods a pixel, tells the largest σ with which an edge
// still is as large as half of its quantisation step.
func (b *Blocks) blur() float64 {
	if len(b.Ends) == 0 {
		return b.progressive()
	}

	var ends [65]int
	for _, e := range b.Ends {
		ends[min(e, 64)]++
	}
	left, last := len(b.Ends)/fineShare, 63
	for ; last > 1 && left >= ends[last+1]; last-- {
		left -= ends[last+1]
	}

	step := float64(max(b.Steps[last], 1))
	periods := float64(max(diagonal(last), 1)) / 16
	return measuredRatio * math.Sqrt(math.Log(max(2*edgeHeight/step, 2))/2) / (math.Pi * periods)
}

// progressive is blur for a file whose scans tell the size of the detail alone.
func (b *Blocks) progressive() float64 {
	const fewBits, soft, sharp = 0.5, 2, 0.8
	if b.FineBits > 0 && b.FineBits < fewBits {
		return soft
	}
	return sharp
}

const (
	// fineShare is one over the share of blocks that have the finest detail.
	fineShare = 50
	// measuredRatio is how much larger the blur of photos is that were blurred by a
	// known one (bench/kinds).
	measuredRatio = 1.2
	// edgeHeight is what a coefficient of an edge is without blur.
	edgeHeight = 200
)

// diagonal is the one of an 8×8 block on which the n-th coefficient lies: 0 to 14.
func diagonal(n int) int {
	mirrored := n > 35
	if mirrored {
		n = 63 - n
	}
	d := 0
	for (d+1)*(d+2)/2 <= n {
		d++
	}
	if mirrored {
		return 14 - d
	}
	return d
}
