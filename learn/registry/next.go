package registry

import (
	"context"
	"slices"

	"inlet/catalog"
	"inlet/learn"
)

// considered is out of how many uncertain pictures Next chooses.
const considered = 1000

// Next lists the pictures that are most worth labelling: the model is uncertain
// about them, and they differ from each other; without a model the typical ones. They
// bear no label and match the filter.
func (s *Service) Next(ctx context.Context, f catalog.Filter, n int) ([]catalog.Document, error) {
	found, err := s.Catalog.Uncertain(ctx, f, max(n, min(considered, 20*n)))
	if err != nil {
		return nil, err
	}
	ids := make([]ID, len(found))
	for i, u := range found {
		ids[i] = u.ID
	}
	chosen, err := s.spread(ctx, ids, found, n)
	if err != nil {
		return nil, err
	}

	return s.Catalog.Documents(ctx, chosen)
}

// spread chooses n of the pictures. Those without features come last: there is
// nothing to compare.
func (s *Service) spread(ctx context.Context, ids []ID, found []catalog.Uncertain, n int) ([]ID, error) {
	vectors, err := s.Vectors(ctx, ids)
	if err != nil {
		return nil, err
	}

	var known, unknown []ID
	var candidates [][]int8
	var uncertainty []float32
	for _, u := range found {
		if v, there := vectors[u.ID]; there {
			known, candidates, uncertainty = append(known, u.ID), append(candidates, v), append(uncertainty, u.Uncertainty)
		} else {
			unknown = append(unknown, u.ID)
		}
	}

	// Without predictions no picture is more uncertain than another.
	picks := learn.Typical
	if slices.ContainsFunc(uncertainty, func(u float32) bool { return u != uncertainty[0] }) {
		picks = func(vectors [][]int8, n int) []int { return learn.Spread(vectors, uncertainty, n) }
	}
	var chosen []ID
	for _, i := range picks(candidates, n) {
		chosen = append(chosen, known[i])
	}

	return append(chosen, unknown[:min(len(unknown), n-len(chosen))]...), nil
}
