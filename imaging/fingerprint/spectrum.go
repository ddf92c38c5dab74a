package fingerprint

import (
	"math"
	"slices"
)

// Quantisation is the step to which a JPEG's coder rounds each frequency of luma, row
// by row: each is wrong by up to half its step.
type Quantisation [samples]uint16

const (
	blockSide = 8 // samples along a block's side
	samples   = blockSide * blockSide
	busy      = 100 * samples // squared contrast of blocks that show how a coder errs
	fewBusy   = 25            // fewer busy blocks show nothing
	sampled   = 1 << 14       // blocks that suffice to learn from
	// The squared residual, and the part of a block's squared contrast, that coders
	// and scalers may change besides. The worst copies by Lanczos' kernel reached a
	// quarter of that.
	free, recoded      = 50 * samples, 0.06
	freeScaled, scaled = 25 * samples, 0.02
)

// blocks are two pictures of one scale, to compare block by block.
type blocks struct {
	a, b Plane
	fit  *fitting // nil if both had this size from the start: no scaler changed them
	free float32  // squared residual that passes in any block
	part float32  // part of a block's squared contrast that passes besides
}

// compareSpectrum finds, at the scale of the smaller picture, the block whose
// residual is the hardest to explain. It stops at the first block beyond the limit
// if it is to be quick.
//
// Coders and scalers err alike everywhere, and a coder by no more than half its
// quantisation step. In each frequency compareSpectrum takes that much off: by the
// file's own table, or by five quarters of the bound on four fifths of the busy
// blocks, which is half a step if errors are spread evenly. Another glyph, or
// something faint on plain ground, goes far beyond that in some frequency of some
// block.
func (e *evidence) compareSpectrum(a, b *Picture, limit float32, quick bool) {
	w, h := common(a.Luma, b.Luma, 1, FullSide)
	if min(w, h) < blockSide {
		e.beyond = math.Inf(1)
		return
	}

	from, to := float32(0), float32(math.Inf(1))
	if quick {
		from, to = limit, limit
	}
	if a.Luma.W == b.Luma.W && a.Luma.H == b.Luma.H {
		c := blocks{a: a.Luma, b: b.Luma, free: free, part: recoded}
		e.beyond = float64(c.hardest(from, to, a.step(w, h), b.step(w, h)))
		return
	}

	// The scaler is unknown: one of these must explain a copy.
	e.beyond = math.Inf(1)
	for _, smaller := range []func(_ Plane, w, h int) Plane{Plane.resample, Plane.reduce} {
		c := blocks{a: smaller(a.Luma, w, h), b: smaller(b.Luma, w, h), free: freeScaled, part: scaled}
		fit := fitted(c.a, c.b)
		c.fit = &fit
		e.beyond = min(e.beyond, float64(c.hardest(from, to, a.step(w, h), b.step(w, h))))
		if e.beyond <= float64(limit) {
			return
		}
	}
}

// hardest is the residual of the hardest block in parts of what passes, at least
// from; it stops at the first block beyond to.
func (c *blocks) hardest(from, to float32, qa, qb *Quantisation) float32 {
	var rest [samples]float32
	var bound *[samples]float32 // computed late: most copies never need it
	worst := from
	for y := 0; y < c.a.H; y += blockSide {
		for x := 0; x < c.a.W; x += blockSide {
			x, y := min(x, c.a.W-blockSide), min(y, c.a.H-blockSide)
			// The energy can only fall when the bound is taken off.
			energy := c.residue(&rest, x, y)
			if energy <= worst*c.free {
				continue
			}
			allowed := c.free + c.part*c.contrast(x, y)
			if energy <= worst*allowed {
				continue
			}

			if bound == nil {
				bound = c.tolerance(qa, qb)
			}
			if worst = max(worst, past(&rest, bound)/allowed); worst > to {
				return worst
			}
		}
	}

	return worst
}

// step is the picture's own quantisation; zero if it was not coded at w×h samples.
func (p *Picture) step(w, h int) *Quantisation {
	if p.Quant == nil || p.Luma.W != w || p.Luma.H != h || p.Width != w {
		return &Quantisation{}
	}
	return p.Quant
}

// tolerance is how much each frequency may differ.
func (c *blocks) tolerance(qa, qb *Quantisation) *[samples]float32 {
	nth := max(1, c.a.W*c.a.H/samples/sampled)
	var seen [samples][]float32
	var rest [samples]float32
	for y, n := 0, 0; y+blockSide <= c.a.H; y += blockSide {
		for x := 0; x+blockSide <= c.a.W; x += blockSide {
			if n++; n%nth != 0 || c.contrast(x, y) < busy {
				continue
			}
			c.residue(&rest, x, y)
			for k, v := range spectrum(&rest) {
				seen[k] = append(seen[k], max(v, -v))
			}
		}
	}

	bound := new([samples]float32)
	for k := range bound {
		// The picture may have been turned after it was coded.
		turned := k%blockSide*blockSide + k/blockSide
		bound[k] = float32(max(qa[k], qb[k], qa[turned], qb[turned])) / 2
		if len(seen[k]) >= fewBusy {
			slices.Sort(seen[k])
			bound[k] = max(bound[k], 1.25*seen[k][len(seen[k])*4/5])
		}
	}

	return bound
}

// contrast is the squared contrast of the block at (x, y), in the picture with more.
func (c *blocks) contrast(x, y int) float32 {
	return max(c.a.contrast(x, y), c.b.contrast(x, y))
}

func (p Plane) contrast(x, y int) float32 {
	var sum, squares int32
	for j := range blockSide {
		for _, v := range (*[blockSide]uint8)(p.Pix[(y+j)*p.W+x:]) {
			sum, squares = sum+int32(v), squares+int32(v)*int32(v)
		}
	}
	return float32(squares) - float32(sum)*float32(sum)/samples
}

// residue writes to rest what the fitting does not explain of the block at (x, y),
// and returns the sum of its squares.
func (c *blocks) residue(rest *[samples]float32, x, y int) (energy float32) {
	if c.fit != nil {
		return c.fit.residue(rest, c.a, c.b, x, y)
	}

	var squares int32
	for j := range blockSide {
		at := (y+j)*c.a.W + x
		la, lb := (*[blockSide]uint8)(c.a.Pix[at:]), (*[blockSide]uint8)(c.b.Pix[at:])
		out := (*[blockSide]float32)(rest[j*blockSide:])
		for i, v := range la {
			d := int32(lb[i]) - int32(v)
			squares += d * d
			out[i] = float32(d)
		}
	}

	return float32(squares)
}

// residue is residual for one block, in less time.
func (f *fitting) residue(rest *[samples]float32, a, b Plane, x, y int) (energy float32) {
	gain, offset := float32(f.gain-4*f.sharp), float32(f.offset)
	dx, dy, sharp := float32(f.dx/2), float32(f.dy/2), float32(f.sharp)

	*rest = [samples]float32{}
	for j := max(0, 1-y); j < min(blockSide, a.H-1-y); j++ {
		for i := max(0, 1-x); i < min(blockSide, a.W-1-x); i++ { // samples with neighbours
			p := (y+j)*a.W + x + i
			left, right := float32(a.Pix[p-1]), float32(a.Pix[p+1])
			up, down := float32(a.Pix[p-a.W]), float32(a.Pix[p+a.W])
			d := float32(b.Pix[p]) - gain*float32(a.Pix[p]) - offset - dx*(right-left) - dy*(down-up) - sharp*(left+right+up+down)
			rest[j*blockSide+i] = d
			energy += d * d
		}
	}

	return energy
}

// past is the sum of the squares beyond the bound.
func past(rest, bound *[samples]float32) (sum float32) {
	for k, v := range spectrum(rest) {
		if d := max(v, -v) - bound[k]; d > 0 {
			sum += d * d
		}
	}
	return sum
}

// spectrum is the cosine transform of JPEG (T.81, A.3.3).
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
