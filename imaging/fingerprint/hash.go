package fingerprint

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
	"slices"
)

const (
	thumbSide  = 64 // of the luma that the hash is made of
	freqs      = 16 // frequencies along each side
	hashBits   = freqs * freqs
	bandBits   = 21
	bandCount  = hashBits / bandBits // the last bits of the hash are in none
	bandStep   = 7                   // from one bit of a band to the next; odd, so that each bit is met once
	doubtful   = 3                   // bits of a band of which a look-up tries both values
	gateMedian = 3                   // grey levels: below it the hash would be made of noise
	// MaxDistance is how many bits the hashes of two copies differ at most.
	MaxDistance = 48
)

// Hash is the perceptual hash: for each of 16×16 frequencies of a cosine
// transform whether there is more of it than of the median one.
type Hash [hashBits / 64]uint64

// Distance is the number of bits that differ.
func (h Hash) Distance(o Hash) int {
	n := 0
	for i := range h {
		n += bits.OnesCount64(h[i] ^ o[i])
	}
	return n
}

// String is what the API calls phash: the first 64 bits.
func (h Hash) String() string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], h[0])
	return hex.EncodeToString(b[:])
}

// place is where the jth bit of the ith band is in the hash. Frequencies next to
// each other are alike in pictures of few shapes: bands made of runs of them are
// shared by ten times as many.
func place(i, j int) int { return (i*bandBits + j) * bandStep % hashBits }

func (h Hash) band(i int) (band uint32) {
	for j := range bandBits {
		at := place(i, j)
		band = band<<1 | uint32(h[at/64]>>(63-at%64)&1)
	}
	return band
}

// bandKey makes bands of different places different, so that all can be in one
// array under one index.
func bandKey(i int, band uint32) int32 { return int32(i)<<bandBits | int32(band) }

// Bands are what is stored of a hash, for look-ups by Probes: 12 numbers of 25
// bits. Two hashes with a distance under 12 have a band in common; copies have
// most, as their bits differ where they are doubtful.
func (h Hash) Bands() []int32 {
	keys := make([]int32, bandCount)
	for i := range keys {
		keys[i] = bandKey(i, h.band(i))
	}
	return keys
}

// transform computes the frequencies 1 to 16 along both sides, in grey levels.
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
	// The scale of an orthonormal transform, so that the gate is in grey levels
	// of the picture.
	for i := range out {
		out[i] *= 2.0 / thumbSide
	}
	return &out
}

// hashOf makes the hash of a 64×64 picture.
func hashOf(thumb Plane) (Hash, []int32, bool) { return HashOf(transform(thumb)) }

// HashOf makes a hash of how much there is of each frequency, in grey levels: row
// by row, as Of finds it. With it come the keys by which pictures alike are found:
// each band, and what it is when any of its three least certain bits are wrong. A
// picture with too little in it has no hash.
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
		bits := leastCertain(&margin, i)
		for which := range uint32(1) << doubtful {
			band := h.band(i)
			for j, bit := range bits {
				band ^= bit * (which >> j & 1)
			}
			probes = append(probes, bandKey(i, band))
		}
	}
	return h, probes, true
}

// leastCertain are the bits of the ith band that are nearest to the threshold.
func leastCertain(margin *[hashBits]float32, i int) (bits [doubtful]uint32) {
	var taken uint32
	for k := range bits {
		least := float32(math.Inf(1))
		for j := range bandBits {
			bit := uint32(1) << (bandBits - 1 - j)
			if m := margin[place(i, j)]; taken&bit == 0 && m < least {
				least, bits[k] = m, bit
			}
		}
		taken |= bits[k]
	}
	return bits
}
