package main

import (
	"math/rand/v2"
	"slices"
	"strings"

	"inlet/bench/photo"
)

// scenario is a set of pictures and the ratios that the project demands for it.
type scenario struct {
	name     string
	pictures []picture
	known    []picture // sent first, unmeasured
	check    bool      // ask first which pictures the server has
	// minRate is the least rate and maxCPU the most processor time, as multiples
	// of the floor's; 0 demands nothing.
	minRate, maxCPU float64
}

// scenarios makes n photos a scenario, for scenarios whose name contains only.
func scenarios(n int, only string) ([]scenario, error) {
	all := []scenario{
		{name: "photos of 2–4 MB", minRate: 0.55, maxCPU: 2.5},
		{name: "pictures of 300 KB", minRate: 0.65},
		{name: "pictures of 40 KB", minRate: 0.7},
		{name: "photos, 80% repeats", minRate: 1.1},
		{name: "photos, checked first", check: true, minRate: 2},
	}

	all = slices.DeleteFunc(all, func(sc scenario) bool { return !strings.Contains(sc.name, only) })
	fresh := max(n/5, 1) // of the repeats
	var photos []picture
	for i := range all {
		sc, err := &all[i], error(nil)
		if strings.HasPrefix(sc.name, "photos") && photos == nil {
			if photos, err = newPictures(photo.Large(), n+2*fresh, 1); err != nil {
				return nil, err
			}
		}

		switch {
		case sc.name == "pictures of 300 KB":
			sc.pictures, err = newPictures(photo.Middle(), 3*n, 2)
		case sc.name == "pictures of 40 KB":
			sc.pictures, err = newPictures(photo.Small(), 8*n, 3)
		case sc.check:
			sc.known, sc.pictures = photos[:n], repeats(photos[n:n+fresh], photos[:n])
		case sc.minRate > 1:
			sc.known, sc.pictures = photos[:n], repeats(photos[n+fresh:], photos[:n])
		default:
			sc.pictures = photos[:n]
		}

		if err != nil {
			return nil, err
		}
	}

	return all, nil
}

func newPictures(sz photo.Size, n int, seed uint64) ([]picture, error) {
	files, err := photo.Make(sz, n, seed)
	if err != nil {
		return nil, err
	}

	all := make([]picture, n)
	for i, data := range files {
		all[i] = newPicture(data)
	}

	return all, nil
}

// repeats mixes fresh pictures with four times as many known ones.
func repeats(fresh, known []picture) []picture {
	rnd := rand.New(rand.NewPCG(4, uint64(len(fresh))))
	all := append([]picture{}, fresh...)
	for range 4 * len(fresh) {
		all = append(all, known[rnd.IntN(len(known))])
	}

	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })

	return all
}
