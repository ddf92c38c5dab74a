package fingerprint

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestBands(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		h := Hash{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
		var all strings.Builder
		for _, word := range h {
			for i := range 64 {
				all.WriteByte('0' + byte(word>>(63-i)&1))
			}
		}
		for i, key := range h.Bands() {
			want := all.String()[i*bandBits:][:bandBits]
			var got strings.Builder
			for j := range bandBits {
				got.WriteByte('0' + byte(key>>(bandBits-1-j)&1))
			}
			if got.String() != want || key>>bandBits != int32(i) {
				t.Fatalf("band %d of %s is %x, want %s", i, all.String(), key, want)
			}
		}
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
			at := i*bandBits + (i+5*j)%bandBits
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
