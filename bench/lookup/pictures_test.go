package main

import (
	"math/rand/v2"
	"testing"

	"inlet/imaging/fingerprint"
)

func TestPictures(t *testing.T) {
	t.Parallel()
	const pictures = 400
	r := rand.New(rand.NewPCG(1, 1))
	near, copies, apart := 0, 0, 0
	for n := range pictures {
		q := queryOf(picture(n), n)
		if len(q.probes) == 0 || *picture(n) != *picture(n) {
			t.Fatalf("picture %d: no hash, or another each time", n)
		}

		distance := func(a *amounts) int { return queryOf(a, n).fingerprint.Hash.Distance(q.fingerprint.Hash) }
		if distance(copied(picture(n), r)) <= 16 {
			copies++
		}

		if d := distance(altered(picture(n), r)); d > 0 && d <= fingerprint.MaxDistance {
			near++
		}

		if distance(scene(r)) > fingerprint.MaxDistance {
			apart++
		}
	}

	if copies < pictures*98/100 || near < pictures/2 || near == pictures || apart < pictures-1 {
		t.Errorf("of %d, %d copies and %d altered ones are candidates, %d others are not", pictures, copies, near, apart)
	}
}
