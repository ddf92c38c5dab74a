package main

import (
	"math/rand/v2"
	"strings"
)

// scenario is what is sent, and what the project wants of it.
type scenario struct {
	name     string
	pictures []picture
	known    []picture // sent before, unmeasured
	check    bool      // ask first which pictures need not be sent
	// minRate is the least rate and maxCPU the most processor time that Inlet
	// may have, as multiples of the floor's; 0 means that nothing is wanted.
	minRate, maxCPU float64
}

// scenarios makes those whose name has only in it.
func scenarios(n int, only string) ([]scenario, error) {
	fresh := max(n/5, 1) // of the repeats
	photos, err := newPictures(photo, n+2*fresh, 1)
	if err != nil {
		return nil, err
	}
	middles, err := newPictures(middle, 3*n, 2)
	if err != nil {
		return nil, err
	}
	smalls, err := newPictures(small, 8*n, 3)
	if err != nil {
		return nil, err
	}
	known, more := photos[:n], photos[n:]
	all := []scenario{
		{name: "photos of 2–4 MB", pictures: known, minRate: 0.55, maxCPU: 2.5},
		{name: "pictures of 300 KB", pictures: middles, minRate: 0.65},
		{name: "pictures of 40 KB", pictures: smalls, minRate: 0.7},
		{name: "photos, 80% repeats", pictures: repeats(more[:fresh], known), known: known, minRate: 1.1},
		{name: "same, checked first", pictures: repeats(more[fresh:], known), known: known, check: true, minRate: 2},
	}
	var chosen []scenario
	for _, sc := range all {
		if strings.Contains(sc.name, only) {
			chosen = append(chosen, sc)
		}
	}
	return chosen, nil
}

func newPictures(sz size, n int, seed uint64) ([]picture, error) {
	files, err := makePictures(sz, n, seed)
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
