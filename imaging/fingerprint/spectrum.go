package fingerprint

import (
	"math"
	"slices"
)

// Quantisation is what a JPEG's coder rounds the frequencies of luma to, row by
// row: each of them is wrong by up to half of it.
type Quantisation [samples]uint16

const (
	blockSide = 8 // samples along a block's side
	samples   = blockSide * blockSide
	busy      = 100 * samples // squared contrast of blocks that show how a coder errs
	fewBusy   = 25            // fewer of them show nothing
	sampled   = 1 << 14       // as many blocks are enough to learn from
	free      = 50 * samples  // squared residual that is let pass in any block
	recoded   = 0.06          // part of a block's squared contrast that coders change besides
	scaled    = 0.1           // that scalers do in photos, with lettering or without
	printed   = 0.02          // that scalers may do in documents
)

// residue is what of a block's frequencies the fitting does not explain.
type residue struct {
	rest     [samples]float32 // by sample
	energy   float32          // its squares
	contrast float32          // squared, of the block itself
}

// compareSpectrum looks at the scale of the smaller picture for the block whose
// residual is the hardest to explain.
//
// Coders and scalers err everywhere alike, and a coder by no more than half of
// what it rounds to. In each frequency that much is taken off: by the file's own
// table, or by what four fifths of the busy blocks stay under and a quarter
// more, which is half a step where errors are spread evenly. A glyph that is
// another, or something faint on plain ground, goes far beyond that in some
// frequency of some block.
func (e *evidence) compareSpectrum(pa, pb *Picture) {
	w, h := common(pa.Luma, pb.Luma, 1, FullSide)
	if min(w, h) < blockSide {
		e.beyond = math.Inf(1)
		return
	}
	a, b := pa.Luma.reduce(w, h), pb.Luma.reduce(w, h)
	fit, part := untouched(), float32(recoded)
	if pa.Luma.W != pb.Luma.W || pa.Luma.H != pb.Luma.H {
		fit, part = fitted(a, b), scaled
		if e.document {
			part = printed
		}
	}
	bound := tolerance(fit, a, b, pa.step(w, h), pb.step(w, h))
	worst := float32(0)
	for y := 0; y < h; y += blockSide {
		for x := 0; x < w; x += blockSide {
			r := fit.residue(a, b, min(x, w-blockSide), min(y, h-blockSide))
			allowed := free + part*r.contrast
			if r.energy > worst*allowed {
				worst = max(worst, r.past(&bound)/allowed)
			}
		}
	}
	e.beyond = float64(worst)
}

// step is the picture's own quantisation, at w×h samples.
func (p *Picture) step(w, h int) *Quantisation {
	if p.Quant == nil || p.Luma.W != w || p.Luma.H != h || p.Width != w {
		return &Quantisation{}
	}
	return p.Quant
}

// tolerance is by how much the frequencies may differ.
func tolerance(fit fitting, a, b Plane, qa, qb *Quantisation) (bound [samples]float32) {
	nth := max(1, a.W*a.H/samples/sampled)
	var seen [samples][]float32
	for y, n := 0, 0; y+blockSide <= a.H; y += blockSide {
		for x := 0; x+blockSide <= a.W; x += blockSide {
			if n++; n%nth != 0 {
				continue
			}
			r := fit.residue(a, b, x, y)
			if r.contrast < busy {
				continue
			}
			for k, v := range spectrum(&r.rest) {
				seen[k] = append(seen[k], max(v, -v))
			}
		}
	}
	for k := range bound {
		// A picture may have been turned after it was coded.
		turned := k%blockSide*blockSide + k/blockSide
		bound[k] = float32(max(qa[k], qb[k], qa[turned], qb[turned])) / 2
		if len(seen[k]) >= fewBusy {
			slices.Sort(seen[k])
			bound[k] = max(bound[k], 1.25*seen[k][len(seen[k])*4/5])
		}
	}
	return bound
}

// residue computes that of the block at (x, y).
func (f fitting) residue(a, b Plane, x, y int) (r residue) {
	var sa, sb, qa, qb float32
	gain, offset := float32(f.gain-4*f.sharp), float32(f.offset)
	dx, dy, sharp := float32(f.dx/2), float32(f.dy/2), float32(f.sharp)
	for j := range blockSide {
		at := (y+j)*a.W + x
		la, lb := a.Pix[at:at+blockSide], b.Pix[at:at+blockSide]
		inside := y+j > 0 && y+j < a.H-1
		for i, v := range la {
			u, v := float32(lb[i]), float32(v)
			sa, qa = sa+v, qa+v*v
			sb, qb = sb+u, qb+u*u
			if !inside || x+i == 0 || x+i == a.W-1 {
				continue // a fitting needs neighbours
			}
			p := at + i
			left, right := float32(a.Pix[p-1]), float32(a.Pix[p+1])
			up, down := float32(a.Pix[p-a.W]), float32(a.Pix[p+a.W])
			d := u - gain*v - offset - dx*(right-left) - dy*(down-up) - sharp*(left+right+up+down)
			r.rest[j*blockSide+i] = d
			r.energy += d * d
		}
	}
	r.contrast = max(qa-sa*sa/samples, qb-sb*sb/samples)
	return r
}

// past is the squares of what goes beyond the bound.
func (r *residue) past(bound *[samples]float32) (sum float32) {
	for k, v := range spectrum(&r.rest) {
		if d := max(v, -v) - bound[k]; d > 0 {
			sum += d * d
		}
	}
	return sum
}

// spectrum is the cosine transform that JPEG uses.
func spectrum(in *[samples]float32) (out [samples]float32) {
	var rows [samples]float32
	for y := range blockSide {
		cosines((*[blockSide]float32)(in[y*blockSide:]), rows[y:], blockSide)
	}
	for x := range blockSide {
		cosines((*[blockSide]float32)(rows[x*blockSide:]), out[x:], blockSide)
	}
	return out
}

// cosines transforms eight samples into every nth of out.
func cosines(s *[blockSide]float32, out []float32, n int) {
	// √(1/8), and cos(kπ/16)/2.
	const c0, c1, c2, c3, c4, c5, c6, c7 = 0.35355339, 0.49039264, 0.46193977, 0.41573481, 0.35355339, 0.27778512, 0.19134172, 0.09754516
	a0, a1, a2, a3 := s[0]+s[7], s[1]+s[6], s[2]+s[5], s[3]+s[4]
	d0, d1, d2, d3 := s[0]-s[7], s[1]-s[6], s[2]-s[5], s[3]-s[4]
	out[0] = c0 * (a0 + a1 + a2 + a3)
	out[2*n] = c2*(a0-a3) + c6*(a1-a2)
	out[4*n] = c4 * (a0 - a1 - a2 + a3)
	out[6*n] = c6*(a0-a3) - c2*(a1-a2)
	out[n] = c1*d0 + c3*d1 + c5*d2 + c7*d3
	out[3*n] = c3*d0 - c7*d1 - c1*d2 - c5*d3
	out[5*n] = c5*d0 - c1*d1 + c7*d2 + c3*d3
	out[7*n] = c7*d0 - c5*d1 + c3*d2 - c1*d3
}
