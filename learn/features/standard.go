package features

import (
	_ "embed"
	"encoding/binary"
	"math"
)

// standardFile holds a mean and an inverse deviation for each slot, little-endian
// float32. `make learn LEARNFLAGS=-standard` makes it.
//
//go:embed standard.bin
var standardFile string

const (
	// Clip is how many deviations from the mean a value may be.
	Clip = 4
	// Steps is the int8 of a value at Clip.
	Steps = 127
)

// standard are the constants that make values of all slots comparable.
type standard struct {
	mean, by []float32 // by is 0 for a slot that never varies
}

// readStandard takes the first n slots of the file; slots that it lacks become 0.
func readStandard(file string, n int) standard {
	s := standard{make([]float32, n), make([]float32, n)}
	for i := range min(n, len(file)/8) {
		pair := []byte(file[8*i:][:8])
		s.mean[i] = math.Float32frombits(binary.LittleEndian.Uint32(pair))
		s.by[i] = math.Float32frombits(binary.LittleEndian.Uint32(pair[4:]))
	}
	return s
}

// quantise standardises values, clips them and makes them whole steps of −127 to 127.
func (s standard) quantise(values []float32) []int8 {
	out := make([]int8, len(values))
	for i, v := range values {
		deviations := min(Clip, max(-Clip, (v-s.mean[i])*s.by[i]))
		out[i] = int8(math.RoundToEven(float64(deviations * weight(i) * (Steps / float32(Clip)))))
	}
	return out
}

// handWeight is the influence of a slot measured by hand beside 1 of a net's: a model
// has one penalty for all slots, and the many by hand say less. ADR 0017 has what
// other weights give.
const handWeight = 0.4

func weight(slot int) float32 {
	if slot < HandDims {
		return handWeight
	}
	return 1
}
