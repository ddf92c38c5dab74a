package fingerprint

import "math"

const (
	textBlock = 16 // samples along a patch's side
	paperBand = 24 // levels that noise spreads paper over
	inkApart  = 40 // levels between paper and ink, at least
)

// patch classifies a block of samples.
type patch struct {
	paper      float64 // its commonest grey, in levels
	text, bare bool    // paper with ink on it; paper alone
}

func (p Plane) patchAt(x, y int) patch {
	var hist [256]int
	for j := range textBlock {
		for _, v := range p.row(y + j)[x : x+textBlock] {
			hist[v]++
		}
	}

	n, best, at := 0, 0, 0
	for i := range hist {
		n += hist[i]
		if i >= paperBand {
			n -= hist[i-paperBand]
		}
		if n > best {
			best, at = n, i
		}
	}

	var sum, count, ink int
	for i, c := range hist {
		switch {
		case i > at-paperBand && i <= at:
			sum += i * c
			count += c
		case i > at+inkApart-paperBand/2 || i < at-paperBand/2-inkApart:
			ink += c
		}
	}

	const all = textBlock * textBlock
	return patch{
		paper: float64(sum) / float64(count),
		text:  100*best >= 40*all && 100*ink >= 2*all,
		bare:  100*best >= 80*all && 100*ink < 2*all,
	}
}

// compareText measures how much of a document's print the smaller picture lacks: at
// half its size, small print holds too little to tell one digit from another.
func (e *evidence) compareText(a, b Plane) {
	large, small := a, b
	if a.W*a.H < b.W*b.H {
		large, small = b, a
	}
	if (a.W != b.W || a.H != b.H) && document(large) {
		e.lost = lostText(large, small.W, small.H)
	}
}

// document reports that nearly all of a picture is paper, bare or with print. Things
// and lights have edges too, but few that are strokes; a photographed page has its
// own edges besides its print. On dark paper it asks for more strokes, because light
// on dark is more often a night than a page.
func document(p Plane) bool {
	const dark = 64 // levels
	var text, strokes, enough, others float64
	across, down := p.W/textBlock, p.H/textBlock
	all := float64(across * down)

	for i := range across * down {
		x, y := i%across*textBlock, i/across*textBlock
		switch l := p.patchAt(x, y); {
		case l.text:
			text++
			if l.paper < dark {
				enough += 1.0 / 2
			} else {
				enough += 1.0 / 3
			}
			if l.hasStrokes(p, x, y) {
				strokes++
			}
		case !l.bare:
			if others++; others >= 0.08*all {
				return false
			}
		}
	}

	return text > 0.01*all && strokes > enough
}

// hasStrokes reports that some ink of the patch has paper on both sides.
func (l patch) hasStrokes(p Plane, x, y int) bool {
	const some = 10 // samples
	n := 0
	for i := range textBlock {
		n += l.inkBetween(p.Pix[(y+i)*p.W+x:], 1) + l.inkBetween(p.Pix[y*p.W+x+i:], p.W)
	}
	return n >= some
}

// inkBetween counts the samples of ink with paper before and behind them in a line.
func (l patch) inkBetween(line []uint8, step int) (n int) {
	ink, after := 0, false // ink that paper may still end, and whether paper preceded it
	for i := range textBlock {
		d := math.Abs(float64(line[i*step]) - l.paper)
		switch {
		case d > inkApart:
			ink++
		case d < inkApart/2:
			if after {
				n += ink
			}
			ink, after = 0, true
		}
	}

	return n
}

// lostText is the part of the print's squared contrast that is missing at w×h
// samples: its difference after scaling down and up again. It ignores the edges of
// what surrounds a page.
func lostText(p Plane, w, h int) float64 {
	small := p.resample(min(w, p.W), min(h, p.H))
	across, down := float64(small.W)/float64(p.W), float64(small.H)/float64(p.H)

	var lost, all float64
	for y := 0; y+textBlock <= p.H; y += textBlock {
		for x := 0; x+textBlock <= p.W; x += textBlock {
			l := p.patchAt(x, y)
			if !l.text || !l.hasStrokes(p, x, y) {
				continue
			}
			for j := y; j < y+textBlock; j++ {
				for i := x; i < x+textBlock; i++ {
					v := float64(p.Pix[j*p.W+i])
					d, ink := v-small.between((float64(i)+0.5)*across-0.5, (float64(j)+0.5)*down-0.5), v-l.paper
					lost += d * d
					all += ink * ink
				}
			}
		}
	}
	if all == 0 {
		return 0
	}

	return lost / all
}

// between interpolates the samples around any place (bilinear).
func (p Plane) between(x, y float64) float64 {
	x, y = min(max(x, 0), float64(p.W-1)), min(max(y, 0), float64(p.H-1))
	left, top := min(int(x), p.W-2), min(int(y), p.H-2)
	x, y = x-float64(left), y-float64(top)
	above, below := p.row(top)[left:], p.row(top + 1)[left:]
	return (1-y)*((1-x)*float64(above[0])+x*float64(above[1])) + y*((1-x)*float64(below[0])+x*float64(below[1]))
}
