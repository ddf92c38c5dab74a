package upload

import (
	"context"

	"github.com/google/uuid"

	"inlet/catalog"
	"inlet/problem"
)

// exact returns the stored picture whose bytes the file has, or those of a known
// copy of it; nil if there is none.
func (s *Service) exact(ctx context.Context, a arrival) (*catalog.Matched, error) {
	ctx, step := s.begin(ctx, "exact")
	defer step.end()
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	known, err := s.Catalog.FindBytes(ctx, a.scope, a.staged.Sum())

	return known, problem.StoreFailed(err)
}

// Known returns those of the sums whose files need not be sent through the link,
// in hexadecimal, with the ids of their pictures.
func (s *Service) Known(ctx context.Context, from Sender, sums [][]byte) (map[string]uuid.UUID, error) {
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	known, err := s.Catalog.Known(ctx, s.scope(from), sums)

	return known, problem.StoreFailed(err)
}
