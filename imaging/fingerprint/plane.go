package fingerprint

import "inlet/imaging/area"

// Plane is one component of a picture: samples by row, 0 to 255, without gaps.
type Plane struct {
	W, H int
	Pix  []uint8
}

func newPlane(w, h int) Plane { return Plane{w, h, make([]uint8, w*h)} }

func (p Plane) row(y int) []uint8 { return p.Pix[y*p.W : (y+1)*p.W] }

// reducer scales a plane down by averaging areas, row by row.
type reducer struct {
	out          Plane
	across, down []area.Share
	y            int
	line         []float32 // the latest row, scaled across
	row, next    []float32 // the sums of the row of cells that it is in, and of the next
}

// newReducer makes a reducer of h rows of w samples to outW×outH, which must not be
// larger. The picture fills the first ew×eh of the samples.
func newReducer(w, h int, ew, eh float64, outW, outH int) *reducer {
	return &reducer{
		out:    newPlane(outW, outH),
		across: area.Shares(w, ew, outW), down: area.Shares(h, eh, outH),
		line: make([]float32, outW+1), row: make([]float32, outW), next: make([]float32, outW),
	}
}

func (r *reducer) add(samples []uint8) {
	if len(r.across) == r.out.W && len(r.down) == r.out.H {
		copy(r.out.row(r.y), samples) // nothing to average
		r.y++
		return
	}

	// A sample reaches at most into the cell behind the one that it begins in, so two
	// sums are enough.
	cell, here, there := 0, float32(0), float32(0)
	samples = samples[:len(r.across)]
	for x, s := range r.across {
		if s.Cell != cell {
			r.line[cell] = here
			cell, here, there = s.Cell, there, 0
		}
		v := float32(samples[x])
		here += v * s.Here
		there += v * s.There
	}
	r.line[cell], r.line[cell+1] = here, there

	s := r.down[r.y]
	if s.There == 0 {
		for i := range r.row {
			r.row[i] += r.line[i] * s.Here
		}
	} else {
		for i := range r.row {
			r.row[i] += r.line[i] * s.Here
			r.next[i] += r.line[i] * s.There
		}
	}
	r.y++
	if r.y < len(r.down) && r.down[r.y].Cell == s.Cell {
		return
	}

	cells := r.out.row(s.Cell)
	for i, v := range r.row {
		cells[i] = uint8(min(255, v+0.5))
	}
	r.row, r.next = r.next, r.row
	clear(r.next)
}

func (p Plane) reduce(w, h int) Plane {
	if w == p.W && h == p.H {
		return p
	}
	r := newReducer(p.W, p.H, float64(p.W), float64(p.H), w, h)
	for y := range p.H {
		r.add(p.row(y))
	}

	return r.out
}

func (p Plane) part(x, y, w, h int) Plane {
	out := Plane{w, h, make([]uint8, 0, w*h)}
	for j := range h {
		out.Pix = append(out.Pix, p.row(y + j)[x:x+w]...)
	}
	return out
}

// upright undoes an EXIF orientation.
func (p Plane) upright(orientation int) Plane {
	if orientation < 2 || orientation > 8 {
		return p
	}

	out := newPlane(p.W, p.H)
	if sideways(orientation) {
		out.W, out.H = p.H, p.W
	}
	// Which of the stored picture's axes run backwards.
	flipX := orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8
	flipY := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
	for y := range out.H {
		line := out.row(y)
		for x := range line {
			fx, fy := x, y
			if sideways(orientation) {
				fx, fy = y, x
			}
			if flipX {
				fx = p.W - 1 - fx
			}
			if flipY {
				fy = p.H - 1 - fy
			}
			line[x] = p.Pix[fy*p.W+fx]
		}
	}

	return out
}

// sideways reports that an orientation exchanges width and height.
func sideways(orientation int) bool { return orientation >= 5 && orientation <= 8 }
