package quality

import (
	"math"

	"inlet/imaging/fingerprint"
)

const (
	// samples is about how many samples of luma Measure looks at.
	samples = 30_000
	// far is the distance of the samples whose difference is an edge's height.
	far = 8
	// edge is the difference of neighbours that makes an edge, in levels of luma.
	edge = 24
)

// histogram counts values of 0 to 255.
type histogram [256]uint32

// stats are counts over the sampled rows of a picture.
type stats struct {
	long     int // samples on the longer side
	luma     histogram
	across   [2]histogram // differences to the neighbour, and to the sample far away
	down     [2]histogram
	edges    int // across
	straight int // edges that go on in the row below
	chroma   chroma
}

// chroma are the moments of the chroma planes, from grey.
type chroma struct{ meanCb, meanCr, varCb, varCr, grey float64 }

// look counts over some rows of a picture, evenly spread.
func look(p *fingerprint.Picture) *stats {
	l := p.Luma
	s := &stats{long: max(l.W, l.H)}
	step := max(1, l.W*l.H/samples)

	for y := step / 2; y < l.H; y += step {
		row := l.Pix[y*l.W:][:l.W]
		for _, v := range row {
			s.luma[v]++
		}
		s.compareAcross(row)
		if y+far < l.H {
			s.compareDown(row, l.Pix[(y+1)*l.W:][:l.W], l.Pix[(y+far)*l.W:][:l.W])
		}
	}
	s.chroma = chromaOf(p.Cb.Pix, p.Cr.Pix)

	return s
}

func (s *stats) compareAcross(row []uint8) {
	if len(row) <= far {
		return
	}
	ahead, away := row[1:], row[far:]
	for i, v := range away {
		v0 := row[i]
		s.across[0][distance(v0, ahead[i])]++
		s.across[1][distance(v0, v)]++
	}
}

func (s *stats) compareDown(row, below, away []uint8) {
	below, away = below[:len(row)], away[:len(row)]
	last := row[0]
	for i, v := range row {
		s.down[0][distance(v, below[i])]++
		s.down[1][distance(v, away[i])]++
		if distance(v, last) >= edge {
			s.edges++
			if distance(below[i], below[i-1]) >= edge {
				s.straight++
			}
		}
		last = v
	}
}

func distance(a, b uint8) uint8 {
	d := int(a) - int(b)
	return uint8(max(d, -d))
}

func chromaOf(cb, cr []uint8) chroma {
	var sumB, sumR, squaresB, squaresR, grey int
	cr = cr[:len(cb)]
	for i, u := range cb {
		b, r := int(u)-128, int(cr[i])-128
		sumB, sumR = sumB+b, sumR+r
		squaresB, squaresR = squaresB+b*b, squaresR+r*r
		if max(b, -b, r, -r) <= 4 {
			grey++
		}
	}

	n := float64(max(len(cb), 1))
	c := chroma{meanCb: float64(sumB) / n, meanCr: float64(sumR) / n, grey: float64(grey) / n}
	c.varCb = max(0, float64(squaresB)/n-c.meanCb*c.meanCb)
	c.varCr = max(0, float64(squaresR)/n-c.meanCr*c.meanCr)
	return c
}

// total is how many values were counted.
func (h *histogram) total() (n uint32) {
	for _, count := range h {
		n += count
	}
	return n
}

// quantile is the value that a share of the values does not exceed.
func (h *histogram) quantile(share float64) int {
	left := int64(math.Ceil(share * float64(h.total())))
	for v, count := range h {
		if left -= int64(count); left <= 0 {
			return v
		}
	}
	return 0
}

// share is that of the values from low to high, both included.
func (h *histogram) share(low, high int) float64 {
	n := uint32(0)
	for _, count := range h[low : high+1] {
		n += count
	}
	return float64(n) / float64(max(h.total(), 1))
}

// moments are mean and standard deviation.
func (h *histogram) moments() (mean, deviation float64) {
	var sum, squares, n float64
	for v, count := range h {
		c, v := float64(count), float64(v)
		n, sum, squares = n+c, sum+c*v, squares+c*v*v
	}
	n = max(n, 1)
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean))
}
