package gallery

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
)

const (
	orphansQuery = `
		SELECT sum FROM unnest($1::bytea[]) AS sum
		 WHERE NOT EXISTS (SELECT FROM images i WHERE i.sha256 = sum)`

	askedQuery = `
		INSERT INTO removals (sha256) SELECT $1::bytea WHERE NOT EXISTS (SELECT FROM images WHERE sha256 = $1)
		RETURNING id`

	settledQuery = `DELETE FROM removals WHERE id = $1`

	forgottenQuery = `DELETE FROM removals WHERE counts_until < now()`

	// sweepBatch is how many contents the sweep looks up at once.
	sweepBatch = 500
)

// RemoveOrphan removes the blob with this content, and its variants, unless an
// image has it. It is the only code that removes blobs. Why it cannot take one
// away from an upload is told in docs/adr/0002.
func (s *Service) RemoveOrphan(ctx context.Context, sum [32]byte) error {
	_, err := s.removeOrphan(ctx, sum)
	return err
}

// removeOrphan leaves a row in removals for as long as the store may carry out
// what it was asked: docs/adr/0010.
func (s *Service) removeOrphan(ctx context.Context, sum [32]byte) (removed bool, err error) {
	if !s.Blobs.Lingers() {
		return s.removeUnused(ctx, sum)
	}
	var asked int64
	err = s.Pool.QueryRow(ctx, askedQuery, sum[:]).Scan(&asked)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove the blob %x: %w", sum, err)
	}
	removed, err = s.removeUnused(ctx, sum)
	if errors.Is(err, blob.ErrUnsettled) {
		return removed, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), orphanWait)
	defer cancel()
	_, strikeErr := s.Pool.Exec(ctx, settledQuery, asked)
	return removed, errors.Join(err, strikeErr)
}

// removeUnused removes the blob if no image has it.
func (s *Service) removeUnused(ctx context.Context, sum [32]byte) (removed bool, err error) {
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		// The lock must outlast the removal, even if this process is suspended
		// between the two: then the server must not end the session.
		if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKey(sum)); err != nil {
			return err
		}
		// Only a statement that begins after the lock is had sees what was
		// committed under it.
		var used bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM images WHERE sha256 = $1)`, sum[:]).Scan(&used)
		if err != nil || used {
			return err
		}
		removed = true
		return s.Blobs.Delete(ctx, blob.ContentKey(sum))
	})
	if err != nil {
		return false, fmt.Errorf("remove the blob %x: %w", sum, err)
	}
	return removed, nil
}

// lockKey is what uploads and removals of one content lock.
func lockKey(sum [32]byte) int64 { return int64(binary.BigEndian.Uint64(sum[:8])) }

// claim makes sure that the blob store is this database's. To one that was
// pointed at the wrong database every blob looks like an orphan.
func (s *Service) claim(ctx context.Context) error {
	var id uuid.UUID
	if err := s.Pool.QueryRow(ctx, `SELECT id FROM installation`).Scan(&id); err != nil {
		return err
	}
	return s.Blobs.Claim(ctx, id.String())
}

// SweepOrphans removes blobs that were written before olderThan and that no
// image has: what uploads and deletions left that died halfway. It returns how
// many. A blob that cannot be removed does not keep it from the others. A store
// that has been swept for another database is blob.ErrOwner, and left alone.
func (s *Service) SweepOrphans(ctx context.Context, olderThan time.Time) (int, error) {
	if err := s.claim(ctx); err != nil {
		return 0, fmt.Errorf("sweep orphans: %w", err)
	}
	if _, err := s.Pool.Exec(ctx, forgottenQuery); err != nil {
		return 0, fmt.Errorf("sweep orphans: %w", err)
	}
	removed := 0
	var failed error // of the blob store; a failure of the database ends the sweep
	var batch [][]byte
	flush := func() error {
		n, err := s.sweepBatch(ctx, batch)
		removed += n
		batch = batch[:0]
		if errors.Is(err, blob.ErrUnavailable) {
			failed, err = err, nil
		}
		return err
	}
	err := s.Blobs.Walk(ctx, olderThan, func(k blob.Key) error {
		sum, err := hex.DecodeString(string(k))
		if err != nil {
			return fmt.Errorf("the blob store gave the key %q: %w", k, err)
		}
		if batch = append(batch, sum); len(batch) < sweepBatch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err = errors.Join(err, failed); err != nil {
		return removed, fmt.Errorf("sweep orphans: %w", err)
	}
	return removed, nil
}

func (s *Service) sweepBatch(ctx context.Context, sums [][]byte) (removed int, failed error) {
	rows, err := s.Pool.Query(ctx, orphansQuery, sums)
	if err != nil {
		return 0, err
	}
	orphans, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return 0, err
	}
	for _, sum := range orphans {
		gone, err := s.removeOrphan(ctx, [32]byte(sum))
		if gone {
			removed++
		}
		if err != nil && !errors.Is(err, blob.ErrUnavailable) {
			return removed, err
		}
		if err != nil {
			failed = err
		}
	}
	return removed, failed
}
