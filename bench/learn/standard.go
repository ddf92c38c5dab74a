package main

import (
	"encoding/binary"
	"math"
	"os"
)

// moments collects the mean and deviation of each slot over a mixed collection, in
// which each set counts the same.
type moments struct {
	sets         float64
	sum, squares []float64
}

// add adds a set's values.
func (m *moments) add(values [][]float32) {
	if m.sum == nil {
		m.sum, m.squares = make([]float64, len(values[0])), make([]float64, len(values[0]))
	}
	m.sets++
	for _, v := range values {
		for i, x := range v {
			m.sum[i] += float64(x) / float64(len(values))
			m.squares[i] += float64(x) * float64(x) / float64(len(values))
		}
	}
}

// write writes the file that package features embeds.
func (m *moments) write(path string) error {
	var out []byte
	for i := range m.sum {
		mean := m.sum[i] / m.sets
		deviation := math.Sqrt(max(0, m.squares[i]/m.sets-mean*mean))
		by := 0.0
		if deviation > 1e-6 {
			by = 1 / deviation
		}
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(mean)))
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(by)))
	}
	return os.WriteFile(path, out, 0o644)
}
