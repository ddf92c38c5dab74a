package fingerprint

const (
	textBlock = 16 // samples along a block's side
	paperBand = 24 // grey levels that noise spreads paper over
	inkApart  = 40 // grey levels from paper to ink, at least
)

// block is what a block of samples looks like.
type block struct {
	paper      float64 // its commonest grey
	text, bare bool    // paper with ink on it; paper alone
}

// look classifies the w×h samples at (x, y).
func look(p Plane, x, y, w, h int) block {
	var hist [256]int
	for j := range h {
		for _, v := range p.row(y + j)[x : x+w] {
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
	all := w * h
	return block{
		paper: float64(sum) / float64(count),
		text:  100*best >= 40*all && 100*ink >= 2*all,
		bare:  100*best >= 80*all && 100*ink < 2*all,
	}
}

// compareText compares blocks with text at the full scale of the smaller picture.
func (e *evidence) compareText(a, b Plane) {
	w, h := common(a, b, 1, FullSide)
	large := a
	if b.W*b.H > a.W*a.H {
		large = b
	}
	a, b = a.reduce(w, h), b.reduce(w, h)
	var blocks, text, bare int
	type spot struct {
		x, y   int
		pa, pb float64
	}
	var spots []spot
	for y := 0; y+textBlock <= h; y += textBlock / 2 {
		for x := 0; x+textBlock <= w; x += textBlock / 2 {
			la, lb := look(a, x, y, textBlock, textBlock), look(b, x, y, textBlock, textBlock)
			blocks++
			if la.bare {
				bare++
			}
			if la.text || lb.text {
				text++
				spots = append(spots, spot{x, y, la.paper, lb.paper})
			}
		}
	}
	if blocks == 0 {
		return
	}
	e.texts, e.plain = float64(text)/float64(blocks), float64(bare)/float64(blocks)
	if len(spots) == 0 {
		return
	}
	_, rest := fitted(a, b)
	square := total(w, h, func(i int) float64 { return float64(rest.v[i] * rest.v[i]) })
	for _, s := range spots {
		ink := total(textBlock, textBlock, func(i int) float64 {
			at := (s.y+i/textBlock)*w + s.x + i%textBlock
			da, db := float64(a.Pix[at])-s.pa, float64(b.Pix[at])-s.pb
			return max(da*da, db*db)
		})
		for _, n := range []int{4, 8} {
			for y := 0; y+n <= textBlock; y += n / 4 {
				for x := 0; x+n <= textBlock; x += n / 4 {
					e.text = max(e.text, square.of(s.x+x, s.y+y, n, n)/(float64(n*n)*150+0.1*ink.of(x, y, n, n)))
				}
			}
		}
	}
	if large.W > w {
		e.lost = lostText(large, w, h)
	}
}

// lostText is the part of the text's contrast that is gone at w×h samples.
func lostText(p Plane, w, h int) float64 {
	small := p.reduce(w, h)
	var lost, all float64
	for y := 0; y+textBlock <= p.H; y += textBlock {
		for x := 0; x+textBlock <= p.W; x += textBlock {
			l := look(p, x, y, textBlock, textBlock)
			if !l.text {
				continue
			}
			for j := y; j < y+textBlock; j++ {
				from := small.row(j * h / p.H)
				for i := x; i < x+textBlock; i++ {
					v := float64(p.Pix[j*p.W+i])
					d, ink := v-float64(from[i*w/p.W]), v-l.paper
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
