package fingerprint

import (
	"fmt"
	"math"
)

// Kind is what two pictures are to each other.
type Kind int

// Kinds.
const (
	Different Kind = iota
	Near           // alike, but not certainly the same
	Closer         // so far the same: compare at a larger scale
	Same           // one is a copy of the other
)

// String names a kind.
func (k Kind) String() string {
	return [...]string{"different", "near", "closer", "same"}[min(max(k, 0), Same)]
}

// Verdict of a comparison.
type Verdict struct {
	Kind     Kind
	Distance int // of the hashes
}

const (
	minSide  = 64 // longest side of what can be compared at all
	minShort = 16 // shortest side
)

// Compare says by the prints alone whether two pictures are Different or Near,
// or so much alike that the pictures themselves must be compared: Closer. It
// never says Same.
func Compare(a, b *Print) Verdict {
	v := Verdict{Distance: a.Hash.Distance(b.Hash)}
	if v.Distance > MaxDistance {
		return v
	}
	v.Kind = Near
	if !sameShape(a.Width, a.Height, b.Width, b.Height) {
		return v
	}
	var e evidence
	e.compareChroma(&Picture{Cb: a.cb, Cr: a.cr}, &Picture{Cb: b.cb, Cr: b.cr})
	fit, rest := fitted(a.luma, b.luma)
	for _, r := range rest.v {
		e.mean += math.Abs(float64(r))
	}
	e.mean /= thumbSide * thumbSide
	if fit.plausible() && e.mean <= 4 && e.chroma <= 4 {
		v.Kind = Closer
	}
	return v
}

// sameShape says that both sizes are of one shape, as far as whole pixels can be.
func sameShape(aw, ah, bw, bh int) bool {
	if aw*ah < bw*bh {
		aw, ah, bw, bh = bw, bh, aw, ah
	}
	w, h := float64(aw)*float64(bh)/float64(ah), float64(ah)*float64(bw)/float64(aw)
	return math.Abs(w-float64(bw)) <= 1.5 || math.Abs(h-float64(bh)) <= 1.5
}

func (f fitting) plausible() bool {
	return f.gain > 0.93 && f.gain < 1.07 && math.Abs(f.gain*128+f.offset-128) < 6 &&
		math.Abs(f.dx) < 0.5 && math.Abs(f.dy) < 0.5
}

// Explain is for tuning.
func Explain(a, b *Picture) string {
	var e evidence
	e.compareLuma(a.Luma, b.Luma, 256)
	e.compareChroma(a, b)
	e.compareText(a.Luma, b.Luma)
	return fmt.Sprintf("grid=%d g=%.3f o=%.1f dx=%.2f dy=%.2f s=%.3f mean=%.2f block=%.2f patch=%.2f chroma=%.2f spot=%.2f hue=%.2f vivid=%.3f text=%.2f texts=%.3f plain=%.3f lost=%.3f",
		e.grid, e.fit.gain, e.fit.gain*128+e.fit.offset-128, e.fit.dx, e.fit.dy, e.fit.sharp, e.mean, e.block, e.patch, e.chroma, e.spot, e.hue, e.vivid, e.text, e.texts, e.plain, e.lost)
}
