package heif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	// stopFlag is where in its memory a module looks: the far end of its stack,
	// which is never needed.
	stopFlag = 16
	// patience is how many turns of loops a module makes between two looks. They
	// take less than a millisecond.
	patience = 100_000
)

// interruptible makes of a WebAssembly module one that can be stopped, and that
// lets Go's runtime have its way: compiled code is not preempted, so a collection
// would stop all of the process until a picture is decoded. Where a function or a
// turn of a loop begins the module counts down, and now and then it calls Go and
// looks at the flag. WithCloseOnContextDone calls Go at each turn, and takes four
// times as long (docs/adr/0007).
func interruptible(module []byte) ([]byte, error) {
	const preamble, globals, functions = 8, 6, 10
	r := code{b: module}
	out := append([]byte(nil), r.take(preamble)...)
	for len(r.b) > 0 && r.err == nil {
		id := r.byte()
		content := r.take(r.number())
		switch id {
		case globals:
			content = r.counter(content)
		case functions:
			content = r.functions(content)
		}
		out = append(append(out, id), sized(content)...)
	}
	return out, r.err
}

// counter adds a variable to the section of globals, and makes the code that
// counts down:
//
//	counter = counter - 1
//	if counter == 0 {
//		counter = patience
//		memory.grow(0)
//		if memory[stopFlag] != 0 { unreachable }
//	}
func (r *code) counter(section []byte) []byte {
	s := code{b: section}
	count := s.number()
	index := binary.AppendUvarint(nil, count)
	get, set := append([]byte{0x23}, index...), append([]byte{0x24}, index...)
	again := append([]byte{0x41}, signed(patience)...) // i32.const
	r.look = slices.Concat(
		get, []byte{0x41, 1, 0x6b}, set, // i32.const 1, i32.sub
		get, []byte{0x45, 0x04, 0x40}, // i32.eqz, if
		again, set,
		[]byte{0x41, 0, 0x40, 0, 0x1a},                          // i32.const 0, memory.grow, drop
		[]byte{0x41, 0, 0x2d, 0, stopFlag, 0x04, 0x40, 0, 0x0b}, // i32.const 0, i32.load8_u, if, unreachable, end
		[]byte{0x0b})
	r.err = errors.Join(r.err, s.err)
	const variable = "\x7f\x01" // a mutable i32
	return slices.Concat(binary.AppendUvarint(nil, count+1), s.b, []byte(variable), again, []byte{0x0b})
}

// signed writes a number that is not negative as one that might be.
func signed(v uint64) (out []byte) {
	for ; v >= 0x40; v >>= 7 {
		out = append(out, byte(v)|0x80)
	}
	return append(out, byte(v))
}

// functions gives the code section with the looks in it.
func (r *code) functions(section []byte) []byte {
	s := code{b: section}
	if r.look == nil {
		s.failf("it has no variables")
	}
	count := s.number()
	out := binary.AppendUvarint(nil, count)
	for ; count > 0 && s.err == nil; count-- {
		f := code{b: s.take(s.number()), look: r.look}
		out = append(out, sized(f.function())...)
		s.err = errors.Join(s.err, f.err)
	}
	r.err = errors.Join(r.err, s.err)
	return out
}

// function gives one function: its locals, then its instructions.
func (r *code) function() []byte {
	whole := r.b
	for n := r.number(); n > 0 && r.err == nil; n-- {
		r.number() // how many of the
		r.byte()   // type
	}
	out := append([]byte(nil), whole[:len(whole)-len(r.b)]...)
	out = append(out, r.look...)
	for len(r.b) > 0 && r.err == nil {
		from := r.b
		op := r.instruction()
		out = append(out, from[:len(from)-len(r.b)]...)
		if op == opLoop {
			out = append(out, r.look...)
		}
	}
	return out
}

const opLoop = 0x03

// instruction reads one.
func (r *code) instruction() (op byte) {
	op = r.byte()
	switch {
	case op == 0x02 || op == opLoop || op == 0x04, // block, loop, if
		op >= 0x0c && op <= 0x0d, op == 0x10, // br, br_if, call
		op >= 0x20 && op <= 0x26, // variables, tables
		op >= 0x3f && op <= 0x42, // memory.size, memory.grow, integers
		op == 0xd0 || op == 0xd2: // ref.null, ref.func
		r.skip()
	case op == 0x0e: // br_table
		for n := r.number() + 1; n > 0 && r.err == nil; n-- {
			r.skip()
		}
	case op == 0x11, op >= 0x28 && op <= 0x3e: // call_indirect, loads and stores
		r.skip()
		r.skip()
	case op == 0x1c: // select of a type
		r.take(r.number())
	case op == 0x43: // f32.const
		r.take(4)
	case op == 0x44: // f64.const
		r.take(8)
	case op == 0xfc:
		r.more()
	case op <= 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b, op >= 0x45 && op <= 0xc4, op == 0xd1:
	default:
		r.failf("instruction %#x", op)
	}
	return op
}

// more reads the rest of an instruction that begins with 0xfc.
func (r *code) more() {
	switch op := r.number(); {
	case op <= 7: // conversions
	case op == 8 || op == 10 || op == 12 || op == 14: // init, copy
		r.skip()
		r.skip()
	case op <= 17:
		r.skip()
	default:
		r.failf("instruction 0xfc %d", op)
	}
}

var errWasm = errors.New("heif: a WebAssembly module of an unknown kind")

// code reads a module. The first error stays.
type code struct {
	b    []byte
	look []byte // what is put where functions and turns of loops begin
	err  error
}

func (r *code) failf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errWasm, fmt.Sprintf(format, args...))
	}
}

func (r *code) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *code) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.failf("it ends too early")
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// skip leaves out a number, signed or not.
func (r *code) skip() {
	for r.byte()&0x80 != 0 {
	}
}

// number reads an unsigned number of 7 bits a byte.
func (r *code) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failf("it ends too early")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// sized puts the length before b.
func sized(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }
