package fingerprint

import (
	"math/bits"
	"slices"
	"testing"
)

func TestBands(t *testing.T) {
	t.Parallel()
	// A bit of the hash is in one band, or in none if it is among the last.
	flipped := map[int]int{}
	for bit := range hashBits {
		var h Hash
		h[bit/64] = 1 << (63 - bit%64)
		for i, key := range h.Bands() {
			if key>>bandBits != int32(i) {
				t.Fatalf("band %d is %x", i, key)
			}
			if band := uint32(key) & (1<<bandBits - 1); band != 0 {
				flipped[bit] += bits.OnesCount32(band)
			}
		}
		if flipped[bit] > 1 {
			t.Errorf("bit %d is in %d bands", bit, flipped[bit])
		}
	}
	if len(flipped) != bandCount*bandBits {
		t.Errorf("%d bits are in bands", len(flipped))
	}
}

func TestBandsAndProbes(t *testing.T) {
	t.Parallel()
	p, probes, ok := Of(pictureOf(landscape(6, 640, 480), 1))
	if !ok {
		t.Fatal("no hash")
	}
	bands := p.Hash.Bands()
	if len(bands) != 12 || len(probes) != 96 {
		t.Fatalf("%d bands, %d probes", len(bands), len(probes))
	}
	for i, key := range bands {
		eight := slices.Clone(probes[8*i : 8*i+8])
		var flipped int32
		for _, probe := range eight {
			flipped |= probe ^ key
		}
		slices.Sort(eight)
		if probes[8*i] != key || bits.OnesCount32(uint32(flipped)) != 3 || flipped>>bandBits != 0 || len(slices.Compact(eight)) != 8 {
			t.Errorf("band %x has probes %x", key, probes[8*i:8*i+8])
		}
	}
	if s := p.Hash.String(); len(s) != 16 {
		t.Errorf("phash %q", s)
	}
}

// TestDoubtfulBits has three bits of a band barely on one side of the threshold.
// On the other side they are found.
func TestDoubtfulBits(t *testing.T) {
	t.Parallel()
	// As many are positive as negative, so that the threshold is 0 for both.
	var stored, sent [hashBits]float32
	for i := range bandCount {
		for j, c := range []float32{0.5, -0.5, 0.25 - 0.5*float32(i%2)} {
			at := place(i, (i+5*j)%bandBits)
			stored[at], sent[at] = c, -c
		}
	}
	large := float32(40)
	for i := range stored {
		if stored[i] == 0 {
			stored[i], sent[i] = large, large
			large = -large
		}
	}
	h, _, ok := HashOf(&stored)
	g, probes, okToo := HashOf(&sent)
	if !ok || !okToo {
		t.Fatal("no hash")
	}
	if d := h.Distance(g); d != 3*bandCount {
		t.Errorf("distance %d", d)
	}
	for i, key := range h.Bands() {
		if !slices.Contains(probes[8*i:8*i+8], key) {
			t.Errorf("band %x is not among %x", key, probes[8*i:8*i+8])
		}
	}
}
