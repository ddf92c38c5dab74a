// Package area divides the samples of a picture among the cells of a smaller
// one, for scaling down by averaging areas.
package area

// Share is how a sample is divided between the cell it begins in and the next.
type Share struct {
	Cell        int
	Here, There float32
}

// Shares divides n samples, of which only extent hold the picture, among cells
// of equal width; there must not be more cells than the picture has samples.
// What a cell gets adds up to 1. Mapping by n where the last sample is only
// partly picture would shift everything to one side.
func Shares(n int, extent float64, cells int) []Share {
	all := make([]Share, n)
	scale := float64(cells) / extent
	for i := range all {
		from, to := float64(i)*scale, min(float64(i+1), extent)*scale
		s := Share{Cell: min(int(from), cells-1), Here: float32(max(0, to-from))}
		if end := float64(s.Cell + 1); to > end && s.Cell+1 < cells {
			s.Here, s.There = float32(end-from), float32(to-end)
		}
		all[i] = s
	}
	return all
}
