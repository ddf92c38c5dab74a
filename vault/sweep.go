package vault

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"inlet/blob"
)

const (
	installationQuery = `SELECT id FROM installation`

	forgetQuery = `DELETE FROM removals WHERE counts_until < now()`

	// sweepBatch is how many contents the sweep looks up at once.
	sweepBatch = 500
)

// Sweep removes contents that were written before olderThan and that no picture
// has: what uploads and deletions left that died halfway. It returns how many.
// It goes on past a content that cannot be removed. It refuses a store that
// belongs to another installation with blob.ErrOwner: to a process with the
// wrong database every content looks unused.
func (v *Vault) Sweep(ctx context.Context, olderThan time.Time) (removed int, err error) {
	s := sweep{vault: v}
	err = s.run(ctx, olderThan)
	if err = errors.Join(err, s.failed); err != nil {
		err = fmt.Errorf("sweep contents: %w", err)
	}

	return s.removed, err
}

// sweep is one walk through the store.
type sweep struct {
	vault   *Vault
	batch   [][]byte
	removed int
	failed  error // the store's last failure, past which the sweep goes on
}

func (s *sweep) run(ctx context.Context, olderThan time.Time) error {
	var installation uuid.UUID
	if err := s.vault.Pool.QueryRow(ctx, installationQuery).Scan(&installation); err != nil {
		return err
	}
	if err := s.vault.Blobs.Claim(ctx, installation.String()); err != nil {
		return err
	}
	if _, err := s.vault.Pool.Exec(ctx, forgetQuery); err != nil {
		return err
	}

	err := s.vault.Blobs.Walk(ctx, olderThan, func(k blob.Key) error {
		sum, err := hex.DecodeString(string(k))
		if err != nil {
			return fmt.Errorf("the blob store gave the key %q: %w", k, err)
		}
		if s.batch = append(s.batch, sum); len(s.batch) < sweepBatch {
			return nil
		}

		return s.flush(ctx)
	})
	if err != nil {
		return err
	}

	return s.flush(ctx)
}

// flush removes those of the batch that no picture has.
func (s *sweep) flush(ctx context.Context) error {
	unused, err := s.vault.References.Unreferenced(ctx, s.vault.Pool, s.batch)
	s.batch = s.batch[:0]
	if err != nil {
		return err
	}

	for _, sum := range unused {
		removed, err := s.vault.remove(ctx, [32]byte(sum))
		if removed {
			s.removed++
		}
		switch {
		case errors.Is(err, blob.ErrUnavailable):
			s.failed = err
		case err != nil:
			return err
		}
	}

	return nil
}
