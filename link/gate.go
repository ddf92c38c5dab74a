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

// Open returns what a token grants now, without a look-up. Its errors are those
// of Keyring.Verify, and ErrRevoked.
func (g *Gate) Open(token string) (Grant, error) {
	grant, err := g.Keys.Verify(token, g.Now())
	if err != nil {
		return Grant{}, err
	}
	if g.Revocations.Revoked(grant.ID) {
		return Grant{}, ErrRevoked
	}

	return grant, nil
}

// MaySend says whether another file may come through a link that Open found
// good, before anybody takes its bytes: ErrRevoked if the link has been revoked
// since, ErrExhausted if it is used up. Only a link with limits needs a look-up.
// The commit of the file enforces the limits themselves.
func (g *Gate) MaySend(ctx context.Context, grant Grant) error {
	if g.Revocations.Revoked(grant.ID) {
		return ErrRevoked
	}
	if !grant.Limited() {
		return nil
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
