package learn

import (
	"math"
	"slices"
)

// Resembling picks n of the candidates for groups that need more pictures: each time
// the smallest group, with what it was given, gets the candidate with the greatest
// cosine to one of its own. It returns their indices. Without groups it picks none. It
// costs a comparison for each candidate and each picture of a group.
func Resembling(candidates [][]int8, groups [][][]int8, n int) []int {
	if len(groups) == 0 {
		return nil
	}
	likeness := make([][]float32, len(groups)) // of each candidate to the group
	for g, group := range groups {
		likeness[g] = likenessTo(candidates, group)
	}

	sizes := make([]int, len(groups))
	for g, group := range groups {
		sizes[g] = len(group)
	}
	taken := make([]bool, len(candidates))
	var chosen []int
	for len(chosen) < min(n, len(candidates)) {
		smallest, best := slices.Index(sizes, slices.Min(sizes)), -1
		for i, l := range likeness[smallest] {
			if !taken[i] && (best < 0 || l > likeness[smallest][best]) {
				best = i
			}
		}
		taken[best] = true
		chosen = append(chosen, best)
		sizes[smallest]++
	}

	return chosen
}

// likenessTo is each candidate's greatest cosine to one of the group.
func likenessTo(candidates, group [][]int8) []float32 {
	lengths := make([]float64, len(group))
	for j, v := range group {
		lengths[j] = math.Sqrt(float64(dotInt8(v, v)))
	}

	likeness := make([]float32, len(candidates))
	for i, c := range candidates {
		length := math.Sqrt(float64(dotInt8(c, c)))
		for j, v := range group {
			if both := length * lengths[j]; both > 0 {
				likeness[i] = max(likeness[i], float32(float64(dotInt8(c, v))/both))
			}
		}
	}

	return likeness
}
