//go:build !purego

package net

// pixelSIMD computes a pixel with AVX2 and FMA, which gemm.Accelerated promises.
func (d *depthwise) pixelSIMD(t *taps, out []float32) {
	n := len(out)
	weights, bias := d.weights[:9*n], d.bias[:n]
	depthwisePixel(n, (*[9][]float32)(t), &weights[0], &bias[0], &out[0])
}
