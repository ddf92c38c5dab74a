package imaging

import "io"

// tiffRows decodes a TIFF of strips, a row at a time.
type tiffRows struct {
	*tiffData
	strip io.Reader // the unread rest of the current strip, decompressed
	left  int64     // rows in it
	below int64     // rows behind it
	row   []byte
}

// tiffByRows lets use read the rows of a picture whose layout says byRows.
func (in *Inspector) tiffByRows(f *tiffFile, l *tiffLayout, use func(rows) error) error {
	d, release := in.tiffData(f, l)
	defer release()
	t := &tiffRows{tiffData: d, below: l.height, row: make([]byte, (l.width*l.bits+7)/8)}
	return use(rows{int(l.width), int(l.height), float64(l.width), float64(l.height), t.next})
}

// next writes the next row, red, green and blue of each pixel, over white.
func (t *tiffRows) next(rgb []uint8) error {
	if t.left == 0 {
		at, size, err := t.tiffData.next(0)
		if err != nil {
			return err
		}
		t.left = min(t.l.blockHeight, t.below)
		t.below -= t.left
		if t.strip, err = t.open(t.f.src.section(at, size), t.left); err != nil {
			return inflated(err)
		}
	}

	t.left--
	if _, err := io.ReadFull(t.strip, t.row); err != nil {
		return inflated(err)
	}
	if t.l.predicted {
		t.unpredict()
	}

	t.l.pixels.rgb(t.row, rgb)
	return nil
}

// unpredict undoes the prediction of each sample from the pixel on the left.
func (t *tiffRows) unpredict() {
	row, step, order := t.row, int(t.l.samples), t.f.order
	if t.l.depth == 8 {
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
		return
	}

	for i := 2 * step; i+2 <= len(row); i += 2 {
		order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*step:]))
	}
}
