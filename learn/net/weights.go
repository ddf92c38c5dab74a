package net

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"inlet/learn/gemm"
)

const (
	magic      = "INLETNN1"
	maxWeights = 32 << 20 // bytes of a file

	// A type is also the size of a value in bytes.
	typeUint8   = 1 // a value is its byte times the tensor's scale plus its minimum
	typeFloat16 = 2 // IEEE 754 binary16
	typeFloat32 = 4
)

// header stands before the values of each tensor, little-endian. The format has no
// names: the order of tensors is that in which the nets run.
type header struct {
	Type, Rows, Columns uint32
	Scale, Minimum      float64
}

// weights reads the tensors of a file, one after the other.
type weights struct {
	rest *bytes.Reader
	left uint32 // tensors
}

// open checks a file's checksum, the SHA-256 at its end.
func open(file []byte) (*weights, error) {
	if len(file) > maxWeights {
		return nil, fmt.Errorf("more than %d bytes", maxWeights)
	}
	if len(file) < len(magic)+4+sha256.Size || string(file[:len(magic)]) != magic {
		return nil, errors.New("not a file of weights")
	}

	body, sum := file[:len(file)-sha256.Size], file[len(file)-sha256.Size:]
	if computed := sha256.Sum256(body); !bytes.Equal(computed[:], sum) {
		return nil, errors.New("damaged: the checksum differs")
	}
	rest := body[len(magic):]
	return &weights{rest: bytes.NewReader(rest[4:]), left: binary.LittleEndian.Uint32(rest)}, nil
}

// end checks that nothing is left.
func (w *weights) end() error {
	if w.left > 0 || w.rest.Len() > 0 {
		return fmt.Errorf("%d tensors and %d bytes too many", w.left, w.rest.Len())
	}
	return nil
}

// tensor reads the next tensor, which has this shape.
func (w *weights) tensor(rows, columns int) ([]float32, error) {
	if w.left == 0 {
		return nil, errors.New("too few tensors")
	}
	w.left--

	var h header
	if err := binary.Read(w.rest, binary.LittleEndian, &h); err != nil {
		return nil, fmt.Errorf("a tensor's header: %w", err)
	}
	if h.Rows != uint32(rows) || h.Columns != uint32(columns) {
		return nil, fmt.Errorf("a tensor of %d×%d, not %d×%d", h.Rows, h.Columns, rows, columns)
	}
	if h.Type != typeUint8 && h.Type != typeFloat16 && h.Type != typeFloat32 {
		return nil, fmt.Errorf("a tensor of type %d", h.Type)
	}

	raw := make([]byte, rows*columns*int(h.Type))
	if _, err := io.ReadFull(w.rest, raw); err != nil {
		return nil, fmt.Errorf("a tensor's values: %w", err)
	}
	return h.values(raw)
}

// values converts a tensor's values. It refuses what is not finite, which would
// make every output NaN.
func (h header) values(raw []byte) ([]float32, error) {
	values := make([]float32, len(raw)/int(h.Type))
	for i := range values {
		switch h.Type {
		case typeUint8:
			values[i] = float32(float64(raw[i])*h.Scale + h.Minimum)
		case typeFloat16:
			values[i] = half(binary.LittleEndian.Uint16(raw[2*i:]))
		default:
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		if v := float64(values[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("a weight is not finite")
		}
	}
	return values, nil
}

// half is the value of an IEEE 754 binary16 number: a sign, five bits of exponent
// and ten of fraction.
func half(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, uint32(bits>>10&31), uint32(bits&1023)
	switch exponent {
	case 0: // subnormal
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31: // infinite, or not a number
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent-15+127)<<23 | fraction<<13)
}

// pointwise reads a convolution that is a matrix product: its weights (in×out),
// then its bias.
func (w *weights) pointwise(in, out int) (*gemm.Packed, error) {
	matrix, err := w.tensor(in, out)
	if err != nil {
		return nil, err
	}
	bias, err := w.tensor(1, out)
	if err != nil {
		return nil, err
	}
	packed := new(gemm.Packed)
	packed.Pack(in, out, matrix, out, bias)
	return packed, nil
}

// scaled reads a convolution like pointwise, with a scale for each column between
// weights and bias: a batch norm, folded here because it is not in the weights.
func (w *weights) scaled(in, out int) (*gemm.Packed, error) {
	matrix, err := w.tensor(in, out)
	if err != nil {
		return nil, err
	}
	scale, err := w.tensor(1, out)
	if err != nil {
		return nil, err
	}
	bias, err := w.tensor(1, out)
	if err != nil {
		return nil, err
	}

	for i := range matrix {
		matrix[i] *= scale[i%out]
	}
	packed := new(gemm.Packed)
	packed.Pack(in, out, matrix, out, bias)
	return packed, nil
}

// depthwise reads a 3×3 convolution of each channel: nine weights for each, then
// the bias.
func (w *weights) depthwise(channels, stride int) (depthwise, error) {
	matrix, err := w.tensor(9, channels)
	if err != nil {
		return depthwise{}, err
	}
	bias, err := w.tensor(1, channels)
	if err != nil {
		return depthwise{}, err
	}
	return depthwise{channels: channels, stride: stride, weights: matrix, bias: bias}, nil
}
