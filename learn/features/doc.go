// Package features turns a picture into numbers from which a model learns: values
// measured by hand, and the middle layers of two small nets, averaged over the
// picture. It promises that a picture gives the same vector on every run with the
// same version; between the nets' accelerated and plain code a value differs by one
// step at most.
//
// The slots of a vector, in this order:
//
//	   0–1763  HOG of the picture squashed to 64×64: cells of 8×8 pixels, 9
//	           directions of 20° from 0°, in 7×7 overlapping blocks of 2×2 cells; by
//	           block row, block column, cell row, cell column, direction
//	1764–1827  luminance's mean in 8×8 cells, by rows
//	1828–1891  luminance's standard deviation in the same cells
//	1892–1955  blue difference, means       1956–2019  deviations
//	2020–2083  red difference, means        2084–2147  deviations
//	2148–2211  colours: the root of the share of pixels in 4×4×4 boxes of red,
//	           green and blue; red changes slowest
//	2212–2219  edges: the root of the share of pixels by the difference of green to
//	           the right and below: 0, 1, 2–3, 4–7, 8–15, 16–31, 32–63, 64 and more
//	2220       the logarithm of width over height
//	2221       the logarithm of the number of different colours at 5 bits a channel
//	2222–2227  the six quality numbers of package imaging
//	2228–3043  MobileNetV2-1.4: block 13's depthwise convolution, 816 channels
//	3044–4003  SSD-MobileNetV2: block 15, 960 channels
//
// Each value is standardised by the mean and deviation of its slot over a mixed
// collection of pictures (standard.bin, made by bench/learn), clipped at ±4
// deviations, weighted by its block and quantised to int8.
package features
