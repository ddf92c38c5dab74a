package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/google/uuid"

	"inlet/imaging/fingerprint"
)

const (
	side = 16 // frequencies along each side
	// forms are documents with many pages, each with other words; one picture of
	// pagesOf is such a page.
	forms   = 100
	pagesOf = 100
	// Pictures come in series; one series of seriesOf is a burst.
	series   = 8
	seriesOf = 5
)

// amounts are the frequencies of a picture, in grey levels: the input of a hash.
type amounts [side * side]float32

// picture makes the nth stored picture, the same each time.
func picture(n int) *amounts {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	switch {
	case isPage(n):
		return form(formOf(r)).noisy(r, 0.05+0.35*r.Float64())
	case n/series%seriesOf == 0:
		return scene(rand.New(rand.NewPCG(uint64(n/series), 2))).noisy(r, 0.1+0.5*r.Float64())
	}

	return scene(r)
}

func isPage(n int) bool { return n%pagesOf == 7 }

// formOf chooses a form: the most common one has a seventh of all pages, the next
// a twelfth, and so on.
func formOf(r *rand.Rand) int {
	return min(forms-1, int(math.Exp(r.Float64()*math.Log(forms)))-1)
}

func form(n int) *amounts { return scene(rand.New(rand.NewPCG(uint64(n), 3))) }

// shapes bounds the rectangles of a scene, and rough is the strength of its noise.
// With these values, pictures share bits as 97 real photos do (docs/adr/0006).
const (
	shapes = 12
	rough  = 0.6
)

// scene makes a picture: rectangles of all sizes at random places, and noise of all
// scales, both weaker the finer they are.
func scene(r *rand.Rand) *amounts {
	var a amounts
	for range 2 + r.IntN(shapes) {
		xs, ys := edges(r), edges(r)
		contrast := 60 * r.NormFloat64()
		for fy, y := range ys {
			y *= contrast
			for fx, x := range xs {
				a[fy*side+fx] += float32(x * y)
			}
		}
	}

	for i := range a {
		fine := math.Sqrt(float64((i/side+1)*(i/side+1) + (i%side+1)*(i%side+1)))
		a[i] += float32(60 * rough * r.NormFloat64() / (fine * math.Sqrt(fine)))
	}

	// Far above the gate, so that every picture has a hash.
	gain := 20 / a.strength()
	for i := range a {
		a[i] *= gain
	}

	return &a
}

// edges is the spectrum of a bar at a random place.
func edges(r *rand.Rand) (out [side]float64) {
	width := math.Exp(math.Log(0.05) + r.Float64()*math.Log(0.9/0.05))
	from := r.Float64()*(1+width) - width
	from, to := max(0, from), min(1, from+width)
	// The sines of the multiples of an angle, each from the two before it.
	f0, f1 := 0.0, math.Sin(math.Pi*from)
	t0, t1 := 0.0, math.Sin(math.Pi*to)
	f2, t2 := 2*math.Cos(math.Pi*from), 2*math.Cos(math.Pi*to)
	for i := range out {
		out[i] = (t1 - f1) * 4 / (math.Pi * float64(i+1))
		f0, f1 = f1, f2*f1-f0
		t0, t1 = t1, t2*t1-t0
	}

	return out
}

// strength is about the median amount, without its sign.
func (a *amounts) strength() float32 {
	var sum float64
	for _, v := range a {
		sum += math.Sqrt(math.Abs(float64(v)))
	}

	sum /= float64(len(a))

	return float32(0.7 * sum * sum)
}

// noisy adds noise, part of the picture's strength.
func (a *amounts) noisy(r *rand.Rand, part float64) *amounts {
	out, scale := *a, part*float64(a.strength())
	for i := range out {
		out[i] += float32(scale * r.NormFloat64())
	}

	return &out
}

// copied adds the noise of re-encoding and scaling. Half of the copies of real
// photos have noise below a fiftieth of their strength, one of ten above a
// seventeenth, the worst a quarter.
func copied(a *amounts, r *rand.Rand) *amounts {
	return a.noisy(r, min(0.3, 0.02*math.Exp(0.86*r.NormFloat64())))
}

// altered adds the noise of small crops, other exposure and watermarks.
func altered(a *amounts, r *rand.Rand) *amounts { return a.noisy(r, 0.3+0.9*r.Float64()) }

// query is the input of a look-up.
type query struct {
	fingerprint *fingerprint.Fingerprint
	probes      []int32
	source      int // number of the stored picture behind it, −1: none
}

func queryOf(a *amounts, source int) query {
	h, probes, _ := fingerprint.HashOf((*[side * side]float32)(a))
	return query{&fingerprint.Fingerprint{Width: 1, Height: 1, Hash: h}, probes, source}
}

// idOf is the id of the nth picture. Ids grow with n, as UUIDv7 do with time.
func idOf(n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)<<8)
	binary.BigEndian.PutUint64(id[8:], rand.NewPCG(uint64(n), 4).Uint64())
	return id
}
