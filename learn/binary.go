package learn

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// ErrMalformed means stored bytes that are no Model.
var ErrMalformed = errors.New("malformed model")

const (
	magic        = "INLEARN"
	version      = 1
	maxFolds     = 16
	maxLabelSize = 1 << 12 // bytes
	maxMetrics   = 16 << 20
	maxIDs       = 1 << 26
)

// MarshalBinary writes the model: magic, version, numbers (little endian), labels,
// calibration, weights (12 bits in 16, a scale for each label), ids with their folds,
// metrics as JSON, and a CRC-32C of all that. It fails only if the metrics cannot be
// encoded.
func (m *Model) MarshalBinary() ([]byte, error) {
	metrics, err := json.Marshal(m.metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}

	out := append([]byte(magic), version)
	out = append(out, boolByte(m.several))
	out = binary.LittleEndian.AppendUint32(out, uint32(m.dims))
	out = binary.LittleEndian.AppendUint64(out, m.seed)
	out = binary.LittleEndian.AppendUint64(out, math.Float64bits(m.penalty))
	out = binary.LittleEndian.AppendUint16(out, uint16(len(m.labels)))
	out = append(out, byte(len(m.folds)))
	for _, l := range m.labels {
		out = binary.LittleEndian.AppendUint16(out, uint16(len(l)))
		out = append(out, l...)
	}
	out = appendFloats(out, m.scale)
	out = appendFloats(out, m.shift)
	for _, w := range append([]weights{m.final}, m.folds...) {
		out = w.append(out)
	}

	out = binary.LittleEndian.AppendUint32(out, uint32(len(m.ids)))
	for i := range m.ids {
		out = append(out, m.ids[i][:]...)
	}
	for _, f := range m.fold {
		out = append(out, byte(f))
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(len(metrics)))
	out = append(out, metrics...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, crc32.MakeTable(crc32.Castagnoli))), nil
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendFloats(out []byte, v []float32) []byte {
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

func (q weights) append(out []byte) []byte {
	out = appendFloats(out, q.scale)
	out = appendFloats(out, q.bias)
	out = slices.Grow(out, 2*q.labels*q.dims)
	for c := range q.labels {
		for j := range q.dims {
			out = binary.LittleEndian.AppendUint16(out, uint16(q.get(c, j)))
		}
	}
	return out
}

// Unmarshal reads the bytes of MarshalBinary. It returns ErrMalformed for others,
// and allocates no more than a small multiple of their length.
func Unmarshal(data []byte) (*Model, error) {
	if len(data) < len(magic)+5 || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: no %q", ErrMalformed, magic)
	}
	if v := data[len(magic)]; v != version {
		return nil, fmt.Errorf("%w: version %d", ErrMalformed, v)
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != sum {
		return nil, fmt.Errorf("%w: wrong checksum", ErrMalformed)
	}
	return parse(&reader{rest: body[len(magic)+1:]})
}

// parse reads the body behind the version.
func parse(r *reader) (*Model, error) {
	m := &Model{several: r.number(1) == 1, dims: int(r.number(4)), seed: r.number(8)}
	m.penalty = math.Float64frombits(r.number(8))
	labels, folds := int(r.number(2)), int(r.number(1))
	if r.failed || labels < 1 || labels > MaxLabels || m.dims < 1 || m.dims > MaxDims || folds > maxFolds {
		return nil, fmt.Errorf("%w: %d labels, %d features, %d folds", ErrMalformed, labels, m.dims, folds)
	}

	for range labels {
		m.labels = append(m.labels, string(r.bytes(min(int(r.number(2)), maxLabelSize))))
	}
	m.scale = r.floats(1)
	if m.several {
		m.scale = append(m.scale, r.floats(labels-1)...)
		m.shift = r.floats(labels)
	}
	m.final = r.weights(labels, m.dims)
	for range folds {
		m.folds = append(m.folds, r.weights(labels, m.dims))
	}
	r.ids(m)

	size := int(r.number(4))
	metrics := r.bytes(size)
	if r.failed || len(r.rest) > 0 || size > maxMetrics {
		return nil, fmt.Errorf("%w: truncated, too long, or a number that is none", ErrMalformed)
	}
	if err := json.Unmarshal(metrics, &m.metrics); err != nil {
		return nil, fmt.Errorf("%w: metrics: %w", ErrMalformed, err)
	}
	return m, nil
}

// reader takes from the front. Once something is missing it returns zeros.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) bytes(n int) []byte {
	if r.failed || n < 0 || n > len(r.rest) {
		r.failed = true
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

// number reads size bytes, little endian.
func (r *reader) number(size int) uint64 {
	var wide [8]byte
	copy(wide[:], r.bytes(size))
	return binary.LittleEndian.Uint64(wide[:])
}

func (r *reader) floats(n int) []float32 {
	raw := r.bytes(4 * n)
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	if !finite(out) {
		r.failed = true
	}
	return out
}

func (r *reader) weights(labels, dims int) weights {
	scale, bias := r.floats(labels), r.floats(labels)
	raw := r.bytes(2 * labels * dims)
	if r.failed {
		return weights{}
	}

	q := newWeights(labels, dims)
	q.scale, q.bias = scale, bias
	for c := range labels {
		row := raw[2*c*dims:][:2*dims]
		for j := range dims {
			w := int16(binary.LittleEndian.Uint16(row[2*j:]))
			if w < -weightMax || w > weightMax {
				r.failed = true
				return weights{}
			}
			q.put(c, j, w)
		}
	}
	return q
}

// ids reads the sorted ids and their folds.
func (r *reader) ids(m *Model) {
	count := int(r.number(4))
	if count > maxIDs {
		r.failed = true
		return
	}
	raw, folds := r.bytes(16*count), r.bytes(count)
	if r.failed {
		return
	}

	m.ids, m.fold = make([][16]byte, count), make([]int8, count)
	for i := range m.ids {
		copy(m.ids[i][:], raw[16*i:])
		m.fold[i] = int8(folds[i])
		if m.fold[i] < 0 || int(m.fold[i]) >= len(m.folds) || i > 0 && bytes.Compare(m.ids[i-1][:], m.ids[i][:]) >= 0 {
			r.failed = true
			return
		}
	}
}
