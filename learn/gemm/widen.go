package gemm

// Widen converts src to float32 values in dst, which is at least as long.
func Widen(dst []float32, src []int8) {
	dst = dst[:len(src)]
	done := 0
	if simd {
		done = widenSIMD(dst, src)
	}
	for i := done; i < len(src); i++ {
		dst[i] = float32(src[i])
	}
}
