package fingerprint

import "image/color"

// NewRows is New for a picture that is decoded row by row: next writes the red,
// green and blue of its next row, over white. f.Scale and f.Limited do not
// apply. It takes memory for the planes that it returns and for a few rows; an
// error is that of next.
func NewRows(f Frame, next func(rgb []uint8) error) (*Picture, error) {
	ew, eh := float64(f.Width), float64(f.Height)
	w, h := fit(ew, eh, f.Side)
	cw, ch := fit(ew, eh, chromaSide)
	luma := newReducer(f.Width, f.Height, ew, eh, w, h)
	cb := newReducer(f.Width, f.Height, ew, eh, cw, ch)
	cr := newReducer(f.Width, f.Height, ew, eh, cw, ch)
	rgb, ycc := make([]uint8, 3*f.Width), make([]uint8, 3*f.Width)
	ys, us, vs := ycc[:f.Width], ycc[f.Width:2*f.Width], ycc[2*f.Width:]
	for range f.Height {
		if err := next(rgb); err != nil {
			return nil, err
		}
		for x := range ys {
			ys[x], us[x], vs[x] = color.RGBToYCbCr(rgb[3*x], rgb[3*x+1], rgb[3*x+2])
		}
		luma.add(ys)
		cb.add(us)
		cr.add(vs)
	}
	p := &Picture{
		Width: f.Width, Height: f.Height,
		Luma: luma.out.upright(f.Orientation), Cb: cb.out.upright(f.Orientation), Cr: cr.out.upright(f.Orientation),
		Whole: f.Side >= FullSide || max(f.Width, f.Height) <= f.Side,
	}
	if f.Orientation >= 5 && f.Orientation <= 8 {
		p.Width, p.Height = p.Height, p.Width
	}
	return p, nil
}
