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
	bandBits   = 16
	bandCount  = hashBits / bandBits
	gateMedian = 3 // grey levels: below it the hash would be made of noise
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

func (h Hash) band(i int) uint16 { return uint16(h[i/4] >> (48 - 16*(i%4))) }

// bandKey makes bands of different places different, so that all can be in one
// array under one index.
func bandKey(i int, band uint16) int32 { return int32(i)<<bandBits | int32(band) }

// Bands are what is stored of a hash, for look-ups by Probes: 16 numbers of 20
// bits. Two hashes with a distance under 16 have a band in common.
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

// hashOf makes the hash of a 64×64 picture, and the keys by which pictures alike
// are found: for each band itself and what it is when either or both of its two
// least certain bits are wrong. A picture with too little in it has no hash.
func hashOf(thumb Plane) (h Hash, probes []int32, ok bool) {
	coefs := transform(thumb)
	sorted := *coefs
	slices.Sort(sorted[:])
	median := (sorted[hashBits/2-1] + sorted[hashBits/2]) / 2
	var margin [hashBits]float32
	for i, c := range coefs {
		margin[i] = c - median
		if margin[i] > 0 {
			h[i/64] |= 1 << (63 - i%64)
		}
		margin[i] = float32(math.Abs(float64(margin[i])))
	}
	sorted = margin
	slices.Sort(sorted[:])
	if sorted[hashBits/2] < gateMedian {
		return Hash{}, nil, false
	}
	for i := range bandCount {
		first, second := leastCertain(margin[i*bandBits:][:bandBits])
		band := h.band(i)
		for _, flip := range []uint16{0, first, second, first | second} {
			probes = append(probes, bandKey(i, band^flip))
		}
	}
	return h, probes, true
}

// leastCertain are the two bits of a band nearest to the threshold.
func leastCertain(margin []float32) (first, second uint16) {
	a, b := 0, 1
	if margin[b] < margin[a] {
		a, b = b, a
	}
	for i := 2; i < len(margin); i++ {
		switch {
		case margin[i] < margin[a]:
			a, b = i, a
		case margin[i] < margin[b]:
			b = i
		}
	}
	return 1 << (bandBits - 1 - a), 1 << (bandBits - 1 - b)
}
