//go:build !amd64 || purego

package gemm

// simd tells whether the processor runs the micro-kernel in assembly.
const simd = false

func (t *tile) runSIMD() {}

func widenSIMD([]float32, []int8) int { return 0 }
