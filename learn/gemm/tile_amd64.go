//go:build !purego

package gemm

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go run -C ../tools ./kernels -kernels gemm -pkg gemm -out ../gemm/tile_amd64.s -stubs ../gemm/stubs_amd64.go

// simd tells whether the processor runs the micro-kernel in assembly.
var simd = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// The bits of flags that the micro-kernel reads.
const (
	flagAdd      = 1
	flagPositive = 2
	flagUpToSix  = 4
)

// size is that of a value in bytes.
const size = int(unsafe.Sizeof(float32(0)))

// runSIMD computes a tile of 16 columns in assembly. It touches the last value of
// each slice first, so that a short one panics here.
func (t *tile) runSIMD() {
	last := t.rows - 1
	a, b, bias, c := t.a[:last*t.row+(t.k-1)*t.col+1], t.b[:t.k*tileColumns], t.bias[:tileColumns], t.c[:last*t.ldc+tileColumns]

	flags := 0
	if t.add {
		flags |= flagAdd
	}
	switch t.limit {
	case Positive:
		flags |= flagPositive
	case UpToSix:
		flags |= flagPositive | flagUpToSix
	}

	row, col, ldc := t.row*size, t.col*size, t.ldc*size
	switch t.rows {
	case 1:
		tile1(t.k, &a[0], row, col, &b[0], &bias[0], &c[0], ldc, flags)
	case 2:
		tile2(t.k, &a[0], row, col, &b[0], &bias[0], &c[0], ldc, flags)
	case 3:
		tile3(t.k, &a[0], row, col, &b[0], &bias[0], &c[0], ldc, flags)
	case 4:
		tile4(t.k, &a[0], row, col, &b[0], &bias[0], &c[0], ldc, flags)
	case 5:
		tile5(t.k, &a[0], row, col, &b[0], &bias[0], &c[0], ldc, flags)
	default:
		tile6(t.k, &a[0], row, col, &b[0], &bias[0], &c[0], ldc, flags)
	}
}

// widenSIMD converts as many values as make whole steps, and returns how many.
func widenSIMD(dst []float32, src []int8) int {
	steps := len(src) / 8
	if steps > 0 {
		widen8(steps, &dst[0], &src[0])
	}
	return 8 * steps
}
