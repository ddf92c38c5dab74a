package link

import (
	"context"
	"time"
)

// Gate decides which links are good.
type Gate struct {
	Keys        *Keyring
	Revocations *Revocations
	Store       *Store
	Now         func() time.Time
}

// Open returns what a token grants now, without a look-up. It fails with the errors
// of Keyring.Verify and with ErrRevoked.
func (g *Gate) Open(token string) (Grant, error) {
	grant, err := g.Keys.Verify(token, g.Now())
	if err == nil && g.Revocations.Revoked(grant.ID) {
		err = ErrRevoked
	}
	if err != nil {
		return Grant{}, err
	}

	return grant, nil
}

// MaySend tells, before the service reads a file, whether an opened link may still
// receive one: ErrRevoked after a revocation, ErrExhausted at a limit. Only a link
// with limits costs a look-up. The commit of the file enforces the limits.
func (g *Gate) MaySend(ctx context.Context, grant Grant) error {
	if g.Revocations.Revoked(grant.ID) {
		return ErrRevoked
	}

	used, err := g.Store.Usage(ctx, grant)
	switch {
	case err != nil:
		return err
	case grant.MaxFiles > 0 && used.Files >= grant.MaxFiles, grant.MaxBytes > 0 && used.Bytes >= grant.MaxBytes:
		return ErrExhausted
	}

	return nil
}
