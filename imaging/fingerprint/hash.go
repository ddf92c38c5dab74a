package fingerprint

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

const (
	thumbSide  = 64 // samples along each side of the luma behind the hash
	freqs      = 16 // frequencies along each side
	hashBits   = freqs * freqs
	bandBits   = 21
	bandCount  = hashBits / bandBits // the last bits of the hash are in no band
	bandStep   = 7                   // bits from one bit of a band to the next; odd, so that bands share none
	doubtful   = 3                   // bits of a band that a look-up tries both ways
	gateMedian = 3                   // grey levels; below, the hash would consist of noise
	// MaxDistance is the number of bits that differ, at most, between copies' hashes.
	MaxDistance = 48
)

// Hash is the perceptual hash, a pHash of 256 bits (docs/adr/0006): each bit tells
// whether one of 16×16 frequencies of a cosine transform exceeds their median.
type Hash [hashBits / 64]uint64

// Distance is the number of bits that differ.
func (h Hash) Distance(o Hash) int {
	n := 0
	for i := range h {
		n += bits.OnesCount64(h[i] ^ o[i])
	}
	return n
}

// String is the API's phash: the first 64 bits in hexadecimal.
func (h Hash) String() string { return fmt.Sprintf("%016x", h[0]) }

// place is the position in the hash of the jth bit of the ith band. Neighbouring
// frequencies are correlated in pictures of few shapes: ten times as many of those
// share a band that is a run of them.
func place(i, j int) int { return (i*bandBits + j) * bandStep % hashBits }

func (h Hash) band(i int) (band uint32) {
	for j := range bandBits {
		at := place(i, j)
		band = band<<1 | uint32(h[at/64]>>(63-at%64)&1)
	}
	return band
}

// bandKey tells the bands of a hash apart, so that one array under one index holds
// them all.
func bandKey(i int, band uint32) int32 { return int32(i)<<bandBits | int32(band) }

// Bands are the stored keys of a hash, which probes find: 12 numbers of 25 bits. Two
// hashes with a distance under 12 have a band in common. Copies share most bands,
// because their bits differ where they are doubtful.
func (h Hash) Bands() []int32 {
	keys := make([]int32, bandCount)
	for i := range keys {
		keys[i] = bandKey(i, h.band(i))
	}
	return keys
}

// transform computes the frequencies 1 to 16 along both sides (DCT-II), in grey
// levels.
func transform(thumb Plane) *[hashBits]float32 {
	var basis [freqs][thumbSide]float32
	for f := range basis {
		for x := range basis[f] {
			basis[f][x] = float32(math.Cos(math.Pi * float64(f+1) * (float64(x) + 0.5) / thumbSide))
		}
	}

	var rows [thumbSide][freqs]float32
	for y := range thumbSide {
		line := thumb.row(y)
		for f := range freqs {
			var sum float32
			for x, c := range basis[f] {
				sum += c * float32(line[x])
			}
			rows[y][f] = sum
		}
	}

	var out [hashBits]float32
	for fy := range freqs {
		for y, c := range basis[fy] {
			for fx := range freqs {
				out[fy*freqs+fx] += c * rows[y][fx]
			}
		}
	}

	for i := range out {
		out[i] *= 2.0 / thumbSide // makes the transform orthonormal
	}

	return &out
}

// HashOf makes a hash of the amounts of the frequencies, in grey levels, row by row,
// as Of computes them. The probes are the keys to look candidates up by: each band,
// in all the values that its three least certain bits can give it. A picture with
// too little in it has no hash.
func HashOf(amounts *[hashBits]float32) (h Hash, probes []int32, ok bool) {
	sorted := *amounts
	slices.Sort(sorted[:])
	median := (sorted[hashBits/2-1] + sorted[hashBits/2]) / 2

	var margin [hashBits]float32
	small := 0
	for i, c := range amounts {
		margin[i] = c - median
		if margin[i] > 0 {
			h[i/64] |= 1 << (63 - i%64)
		}
		margin[i] = float32(math.Abs(float64(margin[i])))
		if margin[i] < gateMedian {
			small++
		}
	}
	if small > hashBits/2 {
		return Hash{}, nil, false
	}

	probes = make([]int32, 0, bandCount<<doubtful)
	for i := range bandCount {
		uncertain := leastCertain(&margin, i)
		for which := range uint32(1) << doubtful {
			band := h.band(i)
			for j, bit := range uncertain {
				band ^= bit * (which >> j & 1)
			}
			probes = append(probes, bandKey(i, band))
		}
	}

	return h, probes, true
}

// leastCertain are the bits of the ith band that are nearest to the threshold.
func leastCertain(margin *[hashBits]float32, i int) (nearest [doubtful]uint32) {
	var taken uint32
	for k := range nearest {
		least := float32(math.Inf(1))
		for j := range bandBits {
			bit := uint32(1) << (bandBits - 1 - j)
			if m := margin[place(i, j)]; taken&bit == 0 && m < least {
				least, nearest[k] = m, bit
			}
		}
		taken |= nearest[k]
	}

	return nearest
}
