package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"inlet/imaging/fingerprint"
)

// photoShares is how likely two of 97 different photos have a run of so many bits
// of the hash in common, as a power of two. If bits were thrown, it would be the
// length itself.
var photoShares = map[int]float64{4: -4.0, 8: -7.7, 12: -11.3, 16: -14.6}

// shares prints that of made pictures beside it.
func shares(w io.Writer) {
	const pictures = 3000
	hashes := make([]fingerprint.Hash, pictures)
	for i := range hashes {
		hashes[i] = queryOf(scene(rand.New(rand.NewPCG(uint64(i), 5))), -1).print.Hash
	}
	fmt.Fprintln(w, "likelihood that two pictures share a run of bits of the hash, as a power of two:")
	for _, width := range []int{4, 8, 12, 16} {
		pairs, all := 0, 0
		for from := 0; from+width <= side*side; from += width {
			count := map[uint64]int{}
			for _, h := range hashes {
				var run uint64
				for i := from; i < from+width; i++ {
					run = run<<1 | h[i/64]>>(63-i%64)&1
				}
				count[run]++
			}
			for _, c := range count {
				pairs += c * (c - 1) / 2
			}
			all += pictures * (pictures - 1) / 2
		}
		fmt.Fprintf(w, "  %2d bits: %.1f, of photos %.1f\n", width, math.Log2(float64(pairs)/float64(all)), photoShares[width])
	}
}
