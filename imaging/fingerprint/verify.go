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
	fit := fitted(a.luma, b.luma)
	_, e.mean = fit.residual(a.luma, b.luma)
	if fit.plausible() && e.mean <= 6 && e.chroma <= 5 {
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

// Verify says whether two pictures that Compare found alike are the same. It
// says Closer where the Pictures were decoded at a reduced scale: no change is
// visible there, and the whole ones have to be compared.
func Verify(a, b *Picture) Kind {
	e, ok := examine(a, b)
	switch {
	case !ok:
		return Near
	case !a.Whole || !b.Whole:
		return Closer
	}
	e.compareText(a.Luma, b.Luma)
	if !e.sameText() {
		return Near
	}
	return Same
}

// sameText says that no glyph stands out, and that a document is there at a scale
// at which one would.
func (e *evidence) sameText() bool {
	if !e.document() {
		return e.text <= 5 && (e.text <= 1.5 || e.text <= 6*e.usual)
	}
	return e.text <= 3.2 && (e.text <= 1.4 || e.text <= 3.4*e.usual) && e.lost <= 0.27
}

// document says that most of the picture is paper, with text on it or without.
func (e *evidence) document() bool { return e.plain+e.texts > 0.75 && e.texts > 0.01 }

// examine compares by all but the text.
func examine(a, b *Picture) (e evidence, ok bool) {
	if !sameShape(a.Width, a.Height, b.Width, b.Height) || min(a.Luma.W, a.Luma.H, b.Luma.W, b.Luma.H) < minShort {
		return e, false
	}
	e.compareLuma(a.Luma, b.Luma, gridSide)
	e.compareChroma(a, b)
	// At a reduced scale text and glaring colours come out otherwise by the way
	// they were decoded. What passes is looked at again.
	slack := 1.0
	if !a.Whole || !b.Whole {
		slack = reducedSlack
	}
	return e, e.grid >= minGrid && e.fit.plausible() && e.mean <= 3.5*slack && e.block <= mostBlock*slack && e.patch <= mostPatch*slack &&
		e.chroma <= 2.5*slack && e.spot <= mostSpot*slack && e.hue <= 5*slack && math.Abs(e.vivid-1) <= 0.12*slack
}

const (
	gridSide     = 256 // cells along the longest side of the common scale
	minGrid      = 40  // fewer cannot be certain
	reducedSlack = 3   // times what is allowed of whole pictures
	mostBlock    = 12
	mostPatch    = 4
	mostSpot     = 6
)

// Explain says what Verify found, for tuning.
func Explain(a, b *Picture) string {
	e, ok := examine(a, b)
	if a.Whole && b.Whole {
		e.compareText(a.Luma, b.Luma)
	}
	return fmt.Sprintf("ok=%v grid=%d g=%.3f o=%.1f dx=%.2f dy=%.2f s=%.3f mean=%.2f block=%.2f patch=%.2f chroma=%.2f spot=%.2f hue=%.2f vivid=%.3f text=%.2f most=%.2f texts=%.3f plain=%.3f lost=%.3f",
		ok, e.grid, e.fit.gain, e.fit.gain*128+e.fit.offset-128, e.fit.dx, e.fit.dy, e.fit.sharp, e.mean, e.block, e.patch, e.chroma, e.spot, e.hue, e.vivid, e.text, e.usual, e.texts, e.plain, e.lost)
}
