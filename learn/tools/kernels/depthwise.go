package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// depthwise generates one pixel of a 3×3 convolution of each channel with weights
// of its own. 32 channels are summed up at once, then 8.
func depthwise() {
	six := constantSix()
	TEXT("depthwisePixel", NOSPLIT, "func(channels int, taps *[9][]float32, weights, bias, out *float32)")
	Pragma("noescape")
	Doc("depthwisePixel computes a pixel: for each channel the sum of nine pixels, each with its",
		"weight, and the bias, limited to 0…6. channels is a multiple of 8.")

	channels := Load(Param("channels"), GP64())
	taps := Load(Param("taps"), GP64())
	weights := Load(Param("weights"), GP64())
	bias := Load(Param("bias"), GP64())
	out := Load(Param("out"), GP64())

	Comment("From here on, channels is a row of weights in bytes.")
	SHLQ(Imm(2), channels)
	at := GP64()
	XORQ(at, at)

	for _, step := range []struct {
		name, next string
		registers  int
	}{{"wide", "narrow", 4}, {"narrow", "done", 1}} {
		Label(step.name)
		left := GP64()
		MOVQ(channels, left)
		SUBQ(at, left)
		CMPQ(left, Imm(uint64(32*step.registers)))
		JLT(LabelRef(step.next))

		sums := make([]reg.VecVirtual, step.registers)
		for i := range sums {
			sums[i] = YMM()
			VMOVUPS(Mem{Base: bias, Index: at, Scale: 1, Disp: 32 * i}, sums[i])
		}
		row := GP64()
		LEAQ(Mem{Base: weights, Index: at, Scale: 1}, row)
		for tap := range 9 {
			pixel := GP64()
			MOVQ(Mem{Base: taps, Disp: 24 * tap}, pixel) // a slice begins with its pointer
			for i := range sums {
				w := YMM()
				VMOVUPS(Mem{Base: row, Disp: 32 * i}, w)
				VFMADD231PS(Mem{Base: pixel, Index: at, Scale: 1, Disp: 32 * i}, w, sums[i])
			}
			ADDQ(channels, row)
		}
		atLeastZero(sums)
		atMost(sums, six)
		for i := range sums {
			VMOVUPS(sums[i], Mem{Base: out, Index: at, Scale: 1, Disp: 32 * i})
		}
		ADDQ(Imm(uint64(32*step.registers)), at)
		JMP(LabelRef(step.name))
	}

	Label("done")
	VZEROUPPER()
	RET()
}
