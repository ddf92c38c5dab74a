package fingerprint

import "slices"

const (
	textBlock = 16  // samples along a block's side
	paperBand = 24  // grey levels that noise spreads paper over
	inkApart  = 40  // grey levels from paper to ink, at least
	textNoise = 150 // squared grey levels that a coder adds around text
	inkNoise  = 0.1 // part of the squared ink that it may change
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
// What a coder does to text it does to all of it alike; a glyph that is another
// stands out among the others.
func (e *evidence) compareText(a, b Plane) {
	w, h := common(a, b, 1, FullSide)
	large := a
	if b.W*b.H > a.W*a.H {
		large = b
	}
	a, b = a.reduce(w, h), b.reduce(w, h)
	if min(w, h) < textBlock+2 {
		return
	}
	fit := fitted(a, b)
	var blocks, bare int
	var worst []float64
	for y := 1; y+textBlock < h; y += textBlock / 2 {
		for x := 1; x+textBlock < w; x += textBlock / 2 {
			la, lb := look(a, x, y, textBlock, textBlock), look(b, x, y, textBlock, textBlock)
			blocks++
			if la.bare {
				bare++
			}
			if la.text || lb.text {
				worst = append(worst, fit.glyphs(a, b, x, y, la.paper, lb.paper))
			}
		}
	}
	if blocks == 0 {
		return
	}
	e.texts, e.plain = float64(len(worst))/float64(blocks), float64(bare)/float64(blocks)
	if len(worst) == 0 {
		return
	}
	slices.Sort(worst)
	e.text, e.usual = worst[len(worst)-1], worst[len(worst)*9/10]
	if large.W > w {
		e.lost = lostText(large, w, h)
	}
}

// glyphs compares what is written in the block at (x, y): the worst residual in
// any window of the size of a glyph or half of it, against the ink there.
func (f fitting) glyphs(a, b Plane, x, y int, paperA, paperB float64) float64 {
	const side = textBlock + 1
	var square, ink [side * side]float64
	for j := 1; j < side; j++ {
		var rowSquare, rowInk float64
		for i := 1; i < side; i++ {
			at := (y+j-1)*a.W + x + i - 1
			r := f.rest(a, b, at)
			da, db := float64(a.Pix[at])-paperA, float64(b.Pix[at])-paperB
			rowSquare += r * r
			rowInk += max(da*da, db*db)
			square[j*side+i] = square[(j-1)*side+i] + rowSquare
			ink[j*side+i] = ink[(j-1)*side+i] + rowInk
		}
	}
	worst := 0.0
	for _, n := range []int{4, 8} {
		for j := 0; j+n < side; j += n / 4 {
			for i := 0; i+n < side; i += n / 4 {
				nw, ne, sw, se := j*side+i, j*side+i+n, (j+n)*side+i, (j+n)*side+i+n
				residual := square[se] - square[sw] - square[ne] + square[nw]
				written := ink[se] - ink[sw] - ink[ne] + ink[nw]
				worst = max(worst, residual/(float64(n*n)*textNoise+inkNoise*written))
			}
		}
	}
	return worst
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
