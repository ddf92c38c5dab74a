package fingerprint

import (
	"fmt"
	"math"
)

// Kind is the relation of two pictures.
type Kind int

// Kinds.
const (
	Different     Kind = iota
	NearDuplicate      // similar, but not certainly the same
	Undecided          // the same so far: compare at a larger scale
	Match              // one is a copy of the other
)

// String names a kind.
func (k Kind) String() string {
	return [...]string{"different", "near", "undecided", "match"}[min(max(k, 0), Match)]
}

// Verdict of a comparison.
type Verdict struct {
	Kind     Kind
	Distance int // of the hashes, in bits
}

const (
	minSide  = 64  // samples along the longest side of a picture that can be compared
	minShort = 16  // samples along its shortest side
	gridSide = 256 // cells along the longest side of the common scale
	minGrid  = 40  // fewer cells cannot be certain
)

// Compare judges two pictures by their Fingerprints: Different, NearDuplicate, or so
// similar that Verify must judge their Pictures: Undecided. It never returns Match.
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
	f := fitted(a.luma, b.luma)
	_, e.mean = f.residual(a.luma, b.luma)
	plausible := f.contrast < 4 && f.brightness < 4 && math.Abs(f.dx) < 0.5 && math.Abs(f.dy) < 0.5
	if plausible && e.mean <= 6 && e.chroma <= 5 {
		v.Kind = Undecided
	}

	return v
}

// sameShape reports that both sizes have one shape, as far as whole pixels allow.
func sameShape(aw, ah, bw, bh int) bool {
	if aw*ah < bw*bh {
		aw, ah, bw, bh = bw, bh, aw, ah
	}
	w, h := float64(aw)*float64(bh)/float64(ah), float64(ah)*float64(bw)/float64(aw)
	return math.Abs(w-float64(bw)) <= 1.5 || math.Abs(h-float64(bh)) <= 1.5
}

// Verify judges two pictures that Compare left Undecided. It returns Undecided if
// the Pictures are not Whole: it sees no difference at their scale, and must see the
// whole ones.
func Verify(a, b *Picture) Kind { return explain(a, b, true).Kind }

// Finding is a verdict and its reason: the measurement that came nearest to its
// limit, or exceeded it most.
type Finding struct {
	Kind  Kind
	What  string
	Of    float64 // parts of the limit: up to 1 for copies
	Value float64 // in the units of the measurement
}

// String describes the finding to a person.
func (f Finding) String() string {
	return fmt.Sprintf("%v: %s %.3g, %.2f of the limit", f.Kind, f.What, f.Value, f.Of)
}

// Explain is Verify with the reason, which takes longer.
func Explain(a, b *Picture) Finding { return explain(a, b, false) }

// explain is certain of the Kind alone if it is to be quick.
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
	// The lost part of a document's print could have been another glyph.
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

// coarse judges the measurements at the common scale of at most gridSide. At a
// reduced scale, text and glaring colours depend on the decoder: those limits are
// looser, because the whole pictures are judged afterwards.
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
