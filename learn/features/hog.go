package features

import "math"

const (
	cellSide   = 8 // pixels
	cells      = handSide / cellSide
	bins       = 9 // of 180°/9 each: a gradient and its opposite are one
	blockCells = 2 // along each side
	blocks     = cells - blockCells + 1
	hogSlots   = blocks * blocks * blockCells * blockCells * bins // 1,764

	// hogClip limits a value within its normalised block, so that one strong edge
	// does not drown the rest.
	hogClip = 0.2
	// hogNoise keeps blocks without gradients at 0 rather than at amplified noise.
	hogNoise = 4
)

// hog describes shapes by histograms of oriented gradients (Dalal and Triggs,
// "Histograms of Oriented Gradients for Human Detection", CVPR 2005): of each cell
// the strength of the gradients by direction, shared between neighbouring cells and
// directions, normalised within overlapping blocks by L2-Hys. Values are 0 to 1, by
// block row, block column, cell row, cell column, bin. It takes handSide×handSide
// luminances.
func hog(luma []float32, out []float32) {
	var grid [cells][cells][bins]float32
	for y := range handSide {
		for x := range handSide {
			dx := luma[y*handSide+min(x+1, handSide-1)] - luma[y*handSide+max(x-1, 0)]
			dy := luma[min(y+1, handSide-1)*handSide+x] - luma[max(y-1, 0)*handSide+x]
			if dx != 0 || dy != 0 {
				vote(&grid, x, y, dx, dy)
			}
		}
	}

	for by := range blocks {
		for bx := range blocks {
			block := out[(by*blocks+bx)*blockCells*blockCells*bins:][:blockCells*blockCells*bins]
			for i := range blockCells * blockCells {
				copy(block[i*bins:], grid[by+i/blockCells][bx+i%blockCells][:])
			}
			normalise(block)
		}
	}
}

// vote shares a pixel's gradient among the two nearest directions of the four
// nearest cells.
func vote(grid *[cells][cells][bins]float32, x, y int, dx, dy float32) {
	strength := float32(math.Hypot(float64(dx), float64(dy)))
	angle := math.Atan2(float64(dy), float64(dx))
	if angle < 0 {
		angle += math.Pi
	}

	bin, past := split(float32(angle/math.Pi*bins) - 0.5)
	column, right := split((float32(x)+0.5)/cellSide - 0.5)
	row, under := split((float32(y)+0.5)/cellSide - 0.5)
	for i, inRow := range [2]float32{1 - under, under} {
		for j, inColumn := range [2]float32{1 - right, right} {
			if row+i < 0 || row+i >= cells || column+j < 0 || column+j >= cells {
				continue
			}
			cell := &grid[row+i][column+j]
			v := strength * inRow * inColumn
			cell[(bin+bins)%bins] += v * (1 - past)
			cell[(bin+1)%bins] += v * past
		}
	}
}

// split is the whole number below v and what v is past it.
func split(v float32) (int, float32) {
	whole := float32(math.Floor(float64(v)))
	return int(whole), v - whole
}

// normalise is L2-Hys: to length 1, clipped, to length 1 again.
func normalise(block []float32) {
	const noise = hogNoise * hogNoise
	scale(block, noise)
	for i, v := range block {
		block[i] = min(v, hogClip)
	}
	scale(block, 1e-6)
}

// scale divides values by their length; squared is added to the square of that.
func scale(block []float32, squared float32) {
	for _, v := range block {
		squared += v * v
	}
	by := 1 / float32(math.Sqrt(float64(squared)))
	for i := range block {
		block[i] *= by
	}
}
