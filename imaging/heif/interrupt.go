package heif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	// stopFlag is the address of the flag in a module's memory: the far end of its
	// stack, which no decoding reaches.
	stopFlag = 16
	// patience is how many functions and loop iterations a module runs before it
	// checks the flag again: less than a millisecond.
	patience = 100_000
)

// interruptible rewrites a WebAssembly module so that it can be stopped and lets
// Go's garbage collector run. Go cannot preempt compiled WebAssembly, so a
// collection would stop the whole process until the picture is decoded. The
// rewritten module counts down at the start of each function and of each loop
// iteration; at zero it calls Go and checks the flag. WithCloseOnContextDone calls
// Go in each iteration and takes four times as long (docs/adr/0007).
func interruptible(module []byte) ([]byte, error) {
	const preamble, globals, functions = 8, 6, 10
	r := code{b: module}
	out := slices.Clone(r.take(preamble))

	for len(r.b) > 0 && r.err == nil {
		id := r.byte()
		section := r.take(r.number())
		switch id {
		case globals:
			section = r.inside(section, r.counter)
		case functions:
			section = r.inside(section, r.functions)
		}
		out = append(append(out, id), sized(section)...)
	}

	return out, r.err
}

// counter adds a variable to the section of globals and makes the check:
//
//	counter = counter - 1
//	if counter == 0 {
//		counter = patience
//		memory.grow(0)
//		if memory[stopFlag] != 0 { unreachable }
//	}
//
// memory.grow is the call into Go.
func (r *code) counter() []byte {
	count := r.number()
	index := binary.AppendUvarint(nil, count)
	get, set := append([]byte{0x23}, index...), append([]byte{0x24}, index...)
	full := append([]byte{0x41}, signed(patience)...) // i32.const
	r.check = slices.Concat(
		get, []byte{0x41, 1, 0x6b}, set, // i32.const 1, i32.sub
		get, []byte{0x45, 0x04, 0x40}, // i32.eqz, if
		full, set,
		[]byte{0x41, 0, 0x40, 0, 0x1a},                          // i32.const 0, memory.grow, drop
		[]byte{0x41, 0, 0x2d, 0, stopFlag, 0x04, 0x40, 0, 0x0b}, // i32.const 0, i32.load8_u, if, unreachable, end
		[]byte{0x0b})

	const mutableI32, end = "\x7f\x01", "\x0b"
	return slices.Concat(binary.AppendUvarint(nil, count+1), r.b, []byte(mutableI32), full, []byte(end))
}

// signed encodes a number that is not negative as a signed one.
func signed(v uint64) (out []byte) {
	for ; v >= 0x40; v >>= 7 {
		out = append(out, byte(v)|0x80)
	}
	return append(out, byte(v))
}

// functions inserts the checks into the code section.
func (r *code) functions() []byte {
	if r.check == nil {
		r.failf("it has no variables")
	}

	count := r.number()
	out := binary.AppendUvarint(nil, count)
	for ; count > 0 && r.err == nil; count-- {
		out = append(out, sized(r.inside(r.take(r.number()), r.function))...)
	}

	return out
}

// function inserts the checks into one function: its locals, then its instructions.
func (r *code) function() []byte {
	whole := r.b
	for n := r.number(); n > 0 && r.err == nil; n-- {
		r.number() // how many locals of a
		r.byte()   // type
	}
	out := slices.Concat(whole[:len(whole)-len(r.b)], r.check)

	for len(r.b) > 0 && r.err == nil {
		from := r.b
		op := r.instruction()
		out = append(out, from[:len(from)-len(r.b)]...)
		if op == opLoop {
			out = append(out, r.check...)
		}
	}

	return out
}

const opLoop = 0x03

// instruction reads one instruction (WebAssembly core specification 2.0, 5.4).
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
		r.prefixed()
	case op <= 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b, op >= 0x45 && op <= 0xc4, op == 0xd1:
	default:
		r.failf("instruction %#x", op)
	}

	return op
}

// prefixed reads the rest of an instruction that begins with 0xfc.
func (r *code) prefixed() {
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

// code reads a module and keeps the first error.
type code struct {
	b     []byte // the rest of what is being read
	check []byte // the instructions that count down and check the flag
	err   error
}

// inside reads a part of the module with read.
func (r *code) inside(part []byte, read func() []byte) []byte {
	rest := r.b
	defer func() { r.b = rest }()
	r.b = part
	return read()
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

// skip reads a number, signed or not.
func (r *code) skip() {
	for r.byte()&0x80 != 0 {
	}
}

// number reads an unsigned number (LEB128).
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
