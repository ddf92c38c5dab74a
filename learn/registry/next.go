package registry

import (
	"cmp"
	"context"
	"maps"
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

	picks, err := s.picks(ctx, candidates, uncertainty, n)
	if err != nil {
		return nil, err
	}
	var chosen []ID
	for _, i := range picks {
		chosen = append(chosen, known[i])
	}

	return append(chosen, unknown[:min(len(unknown), n-len(chosen))]...), nil
}

// picks chooses among candidates that have features: what the model is uncertain
// about. Without a model every second one resembles a label that has too few pictures
// to be learnt, and the others are typical of all.
func (s *Service) picks(ctx context.Context, candidates [][]int8, uncertainty []float32, n int) ([]int, error) {
	if slices.ContainsFunc(uncertainty, func(u float32) bool { return u != uncertainty[0] }) {
		return learn.Spread(candidates, uncertainty, n), nil
	}
	rare, err := s.rare(ctx)
	if err != nil {
		return nil, err
	}
	typical, needed := learn.Typical(candidates, n), learn.Resembling(candidates, rare, n)

	picks, taken := make([]int, 0, n), map[int]bool{}
	for i := range max(len(typical), len(needed)) {
		for _, list := range [][]int{needed, typical} {
			if i < len(list) && len(picks) < n && !taken[list[i]] {
				taken[list[i]] = true
				picks = append(picks, list[i])
			}
		}
	}

	return picks, nil
}

// rareOf is how many labelled pictures rare looks at.
const rareOf = 1000

// rare lists the pictures of each label that has too few to be learnt, the rarest
// first. A label that only one picture bears may be a slip.
func (s *Service) rare(ctx context.Context) ([][][]int8, error) {
	labelled, err := s.Catalog.LatestLabelled(ctx, rareOf)
	if err != nil {
		return nil, err
	}
	ids, of := make([]ID, 0, len(labelled)), map[string][]ID{}
	for id, labels := range labelled {
		ids = append(ids, id)
		for _, label := range labels {
			of[label] = append(of[label], id)
		}
	}
	vectors, err := s.Vectors(ctx, ids)
	if err != nil {
		return nil, err
	}

	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(of[a]), len(of[b])), cmp.Compare(a, b))
	})
	var rare [][][]int8
	for _, name := range names {
		var group [][]int8
		for _, id := range of[name] {
			if v, there := vectors[id]; there {
				group = append(group, v)
			}
		}
		if n := len(of[name]); n > 1 && n < s.MinImages && len(group) > 0 {
			rare = append(rare, group)
		}
	}

	return rare, nil
}
