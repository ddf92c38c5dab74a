package fingerprint

const (
	textBlock = 16 // samples along a block's side
	paperBand = 24 // grey levels that noise spreads paper over
	inkApart  = 40 // grey levels from paper to ink, at least
)

// patch is what a part of a picture looks like.
type patch struct {
	paper      float64 // its commonest grey
	text, bare bool    // paper with ink on it; paper alone
}

// look classifies the block of samples at (x, y).
func look(p Plane, x, y int) patch {
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

// compareText finds out how much of a document's print the smaller picture does
// not hold: once scaled to half, small print says less than would tell one digit
// from another.
func (e *evidence) compareText(a, b Plane) {
	if a.W == b.W && a.H == b.H {
		return
	}
	large, small := a, b
	if a.W*a.H < b.W*b.H {
		large, small = b, a
	}
	if e.document = document(large); e.document {
		e.lost = lostText(large, small.W, small.H)
	}
}

// document says that all but little of a picture is paper, with text or bare.
func document(p Plane) bool {
	var all, text, bare float64
	for y := 0; y+textBlock <= p.H; y += textBlock {
		for x := 0; x+textBlock <= p.W; x += textBlock {
			l := look(p, x, y)
			all++
			if l.text {
				text++
			}
			if l.bare {
				bare++
			}
		}
	}
	return text > 0.01*all && text+bare > 0.92*all
}

// lostText is the part of the text's contrast that is gone at w×h samples.
func lostText(p Plane, w, h int) float64 {
	small := p.reduce(min(w, p.W), min(h, p.H))
	var lost, all float64
	for y := 0; y+textBlock <= p.H; y += textBlock {
		for x := 0; x+textBlock <= p.W; x += textBlock {
			l := look(p, x, y)
			if !l.text {
				continue
			}
			for j := y; j < y+textBlock; j++ {
				from := small.row(j * small.H / p.H)
				for i := x; i < x+textBlock; i++ {
					v := float64(p.Pix[j*p.W+i])
					d, ink := v-float64(from[i*small.W/p.W]), v-l.paper
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
