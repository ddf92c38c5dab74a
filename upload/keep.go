package upload

import (
	"context"
	"errors"

	"inlet/problem"
	"inlet/vault"
)

// keep makes the content durable.
func (s *Service) keep(ctx context.Context, a arrival) error {
	ctx, step := s.begin(ctx, "blob")
	defer step.end()

	return s.Vault.Keep(ctx, a.staged)
}

// abandon removes the content of a file that was not committed, unless a picture
// has the same bytes. While the database is away it leaves that to the sweep;
// where somebody removes these bytes already, to them.
func (s *Service) abandon(ctx context.Context, a arrival, cause error) {
	if problem.CodeOf(cause) == problem.Unavailable || errors.Is(cause, vault.ErrRemoving) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.StoreWait)
	defer cancel()
	_ = s.Vault.Remove(ctx, a.staged.Sum())
}
