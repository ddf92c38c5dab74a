//go:build !purego

package net

//go:generate go run -C ../tools ./kernels -kernels depthwise -pkg net -out ../net/depthwise_amd64.s -stubs ../net/stubs_amd64.go

// pixelSIMD computes a pixel with AVX2 and FMA, which gemm.Accelerated promises.
func (d *depthwise) pixelSIMD(t *taps, out []float32) {
	n := len(out)
	weights, bias := d.weights[:9*n], d.bias[:n]
	depthwisePixel(n, (*[9][]float32)(t), &weights[0], &bias[0], &out[0])
}
