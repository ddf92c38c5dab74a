// Package area divides the samples of a picture among the cells of a smaller one, to
// scale down by averaging areas. It promises that the shares of a cell add up to 1.
package area

// Share divides a sample between the cell it begins in and the next.
type Share struct {
	Cell        int
	Here, There float32 // parts of the cells' means: 0 to 1
}

// Shares divides n samples among cells of equal width, no more than there are samples.
// The picture fills the first extent samples, a fraction of the last included: without
// that fraction everything would shift to one side.
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
