package fingerprint

import (
	"fmt"
	"math"
)

// Kind is what two pictures are to each other.
type Kind int

// Kinds.
const (
	Different     Kind = iota
	NearDuplicate      // alike, but not certainly the same
	Undecided          // so far the same: compare at a larger scale
	Match              // one is a copy of the other
)

// String names a kind.
func (k Kind) String() string {
	return [...]string{"different", "near", "undecided", "match"}[min(max(k, 0), Match)]
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

// Compare says by the prints alone whether two pictures are Different or NearDuplicate,
// or so much alike that the pictures themselves must be compared: Undecided. It
// never says Match.
func Compare(a, b *Fingerprint) Verdict {
	v := Verdict{Distance: a.Hash.Distance(b.Hash)}
	if v.Distance > MaxDistance {
		return v
	}
	v.Kind = NearDuplicate
	if !sameShape(a.Width, a.Height, b.Width, b.Height) {
		return v
	}
	var e evidence
	e.compareChroma(&Picture{Cb: a.cb, Cr: a.cr}, &Picture{Cb: b.cb, Cr: b.cr})
	fit := fitted(a.luma, b.luma)
	_, e.mean = fit.residual(a.luma, b.luma)
	if fit.plausible() && e.mean <= 6 && e.chroma <= 5 {
		v.Kind = Undecided
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
	return f.contrast < 4 && f.brightness < 4 && math.Abs(f.dx) < 0.5 && math.Abs(f.dy) < 0.5
}

// Verify says whether two pictures that Compare found alike are the same. It
// says Undecided where the Pictures were decoded at a reduced scale: no change is
// visible there, and the whole ones have to be compared.
func Verify(a, b *Picture) Kind { return explain(a, b, true).Kind }

// Finding is a verdict and what it rests on: of all that was measured what came
// nearest to its limit, or went furthest beyond.
type Finding struct {
	Kind  Kind
	What  string
	Of    float64 // the limit: up to 1 for copies
	Value float64
}

// String tells it to a person.
func (f Finding) String() string {
	return fmt.Sprintf("%v: %s %.3g, %.2f of the limit", f.Kind, f.What, f.Value, f.Of)
}

// Explain is Verify, and says what the verdict rests on, which takes longer.
func Explain(a, b *Picture) Finding { return explain(a, b, false) }

// explain says no more than the Kind for certain if it is to be quick.
func explain(a, b *Picture, quick bool) Finding {
	if !sameShape(a.Width, a.Height, b.Width, b.Height) || min(a.Luma.W, a.Luma.H, b.Luma.W, b.Luma.H) < minShort {
		return Finding{NearDuplicate, "shape", math.Inf(1), 0}
	}
	var e evidence
	e.compareLuma(a.Luma, b.Luma, gridSide)
	e.compareChroma(a, b)
	whole := a.Whole && b.Whole
	f := e.coarse(whole)
	if f.Of > 1 {
		return f
	}
	if !whole {
		f.Kind = Undecided
		return f
	}
	e.compareText(a.Luma, b.Luma)
	// What of a document's print is lost could have been another glyph.
	limit := float32(1 - 3*e.lost)
	if limit <= 0 {
		return Finding{NearDuplicate, "small print", math.Inf(1), e.lost}
	}
	e.compareSpectrum(a, b, limit, quick)
	if of := e.beyond / float64(limit); of > f.Of {
		f = Finding{NearDuplicate, "detail", of, e.beyond}
	}
	if f.Of <= 1 {
		f.Kind = Match
	}
	return f
}

// coarse is what the common scale of at most gridSide says. At a reduced scale
// text and glaring colours come out otherwise by the way they were decoded: what
// passes there is looked at again.
func (e *evidence) coarse(whole bool) (worst Finding) {
	slack := 3.0
	if whole {
		slack = 1
	}
	for _, f := range []struct {
		what         string
		value, limit float64
	}{
		{"size", minGrid, float64(e.grid)},
		{"contrast", e.fit.contrast, 4},
		{"brightness", e.fit.brightness, 4},
		{"shift", e.shift, 0.5},
		{"mean", e.mean, 6},
		{"window", e.block, 36},
		{"colour", e.chroma, 2.5 * slack},
		{"spot", e.spot, 6 * slack},
		{"hue", e.hue, 5 * slack},
		{"vividness", math.Abs(e.vivid - 1), 0.12 * slack},
	} {
		if of := f.value / f.limit; of > worst.Of {
			worst = Finding{NearDuplicate, f.what, of, f.value}
		}
	}
	return worst
}

const (
	gridSide = 256 // cells along the longest side of the common scale
	minGrid  = 40  // fewer cannot be certain
)
