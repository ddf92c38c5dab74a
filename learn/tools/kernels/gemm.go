package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The bits of a tile's flags.
const (
	flagAdd      = 1
	flagPositive = 2
	flagUpToSix  = 4
)

// gemm generates the micro-kernels for 1 to 6 rows, and the conversion of int8.
func gemm() {
	six := constantSix()
	for rows := 1; rows <= 6; rows++ {
		tile(rows, six)
	}
	widen()
}

// tile generates the micro-kernel of some rows and 16 columns: it holds the sums
// in two registers a row, and for each step broadcasts a value of each row of A.
func tile(rows int, six Mem) {
	name := fmt.Sprintf("tile%d", rows)
	TEXT(name, NOSPLIT, "func(k int, a *float32, row, col int, b, bias, c *float32, ldc, flags int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes %d×16 values of C: bias + A·B. row, col and ldc are strides in", name, rows),
		"bytes. Flags: 1 adds C, 2 makes values at least 0, 4 at most 6.")

	k := Load(Param("k"), GP64())
	a := pointers(rows, Load(Param("a"), GP64()), Load(Param("row"), GP64()))
	col := Load(Param("col"), GP64())
	b := Load(Param("b"), GP64())

	Comment("Every row starts from the bias.")
	bias := Load(Param("bias"), GP64())
	sums := make([][2]reg.VecVirtual, rows)
	for i := range sums {
		for half := range sums[i] {
			sums[i][half] = YMM()
			VMOVUPS(Mem{Base: bias, Disp: 32 * half}, sums[i][half])
		}
	}

	TESTQ(k, k)
	JZ(LabelRef("finish"))
	Label("step")
	left, right := YMM(), YMM()
	VMOVUPS(Mem{Base: b}, left)
	VMOVUPS(Mem{Base: b, Disp: 32}, right)
	for i := range sums {
		value := YMM()
		VBROADCASTSS(a.row(i), value)
		VFMADD231PS(left, value, sums[i][0])
		VFMADD231PS(right, value, sums[i][1])
	}
	a.advance(col)
	ADDQ(Imm(64), b)
	DECQ(k)
	JNZ(LabelRef("step"))

	Label("finish")
	c := pointers(rows, Load(Param("c"), GP64()), Load(Param("ldc"), GP64()))
	flags := Load(Param("flags"), GP64())

	TESTQ(U32(flagAdd), flags)
	JZ(LabelRef("limit"))
	for i := range sums {
		for half, sum := range sums[i] {
			VADDPS(shift(c.row(i), 32*half), sum, sum)
		}
	}

	all := make([]reg.VecVirtual, 0, 2*rows)
	for _, sum := range sums {
		all = append(all, sum[0], sum[1])
	}
	Label("limit")
	TESTQ(U32(flagPositive), flags)
	JZ(LabelRef("store"))
	atLeastZero(all)
	TESTQ(U32(flagUpToSix), flags)
	JZ(LabelRef("store"))
	atMost(all, six)

	Label("store")
	for i := range sums {
		for half, sum := range sums[i] {
			VMOVUPS(sum, shift(c.row(i), 32*half))
		}
	}
	VZEROUPPER()
	RET()
}

// constantSix places the number 6 in the file.
func constantSix() Mem { return ConstData("six", U32(math.Float32bits(6))) }

// atLeastZero raises negative values to 0.
func atLeastZero(sums []reg.VecVirtual) {
	zero := YMM()
	VXORPS(zero, zero, zero)
	for _, sum := range sums {
		VMAXPS(zero, sum, sum)
	}
}

// atMost lowers values to the one in memory.
func atMost(sums []reg.VecVirtual, limit Mem) {
	high := YMM()
	VBROADCASTSS(limit, high)
	for _, sum := range sums {
		VMINPS(high, sum, sum)
	}
}

// rowPointers addresses up to six rows with two pointers and a stride.
type rowPointers struct {
	stride reg.GPVirtual
	bases  []reg.GPVirtual // of rows 0 and 3
}

// pointers makes the pointers from the one to row 0, which it takes over.
func pointers(rows int, base, stride reg.Register) rowPointers {
	p := rowPointers{stride: stride.(reg.GPVirtual), bases: []reg.GPVirtual{base.(reg.GPVirtual)}}
	if rows > 3 {
		third := GP64()
		LEAQ(Mem{Base: base, Index: stride, Scale: 2}, third)
		ADDQ(stride, third)
		p.bases = append(p.bases, third)
	}
	return p
}

// row is the address of row i.
func (p rowPointers) row(i int) Mem {
	m := Mem{Base: p.bases[i/3]}
	if i%3 > 0 {
		m.Index, m.Scale = p.stride, uint8(i%3)
	}
	return m
}

// advance moves every row on.
func (p rowPointers) advance(by reg.Register) {
	for _, base := range p.bases {
		ADDQ(by, base)
	}
}

// shift is an address some bytes further.
func shift(m Mem, bytes int) Mem {
	m.Disp += bytes
	return m
}

// widen generates the conversion from int8, 8 values a step.
func widen() {
	TEXT("widen8", NOSPLIT, "func(steps int, dst *float32, src *int8)")
	Pragma("noescape")
	Doc("widen8 converts 8·steps values. steps is at least 1.")

	steps := Load(Param("steps"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())

	Label("step")
	values := YMM()
	VPMOVSXBD(Mem{Base: src}, values)
	VCVTDQ2PS(values, values)
	VMOVUPS(values, Mem{Base: dst})
	ADDQ(Imm(8), src)
	ADDQ(Imm(32), dst)
	DECQ(steps)
	JNZ(LabelRef("step"))
	VZEROUPPER()
	RET()
}
