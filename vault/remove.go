package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/blob"
)

const (
	openQuery = `INSERT INTO removals (sha256) VALUES ($1) RETURNING id`

	closeQuery = `DELETE FROM removals WHERE id = $1`

	// removalWait bounds what follows a removal whose caller has left.
	removalWait = time.Minute
)

// remove removes a content that no picture has. Where the store may carry out
// later what it did not confirm, a row in removals says so beforehand, and stays
// until the store has answered.
func (v *Vault) remove(ctx context.Context, sum [32]byte) (removed bool, err error) {
	if !v.Blobs.Lingers() {
		return v.removeLocked(ctx, sum)
	}
	unused, err := v.References.Unreferenced(ctx, v.Pool, [][]byte{sum[:]})
	if err != nil || len(unused) == 0 {
		return false, err
	}
	var removal int64
	if err := v.Pool.QueryRow(ctx, openQuery, sum[:]).Scan(&removal); err != nil {
		return false, err
	}

	removed, err = v.removeLocked(ctx, sum)
	if errors.Is(err, blob.ErrUnsettled) {
		return removed, err
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalWait)
	defer cancel()
	_, closeErr := v.Pool.Exec(ctx, closeQuery, removal)

	return removed, errors.Join(err, closeErr)
}

// removeLocked removes the content under its lock, if no picture has it.
func (v *Vault) removeLocked(ctx context.Context, sum [32]byte) (removed bool, err error) {
	err = pgx.BeginFunc(ctx, v.Pool, func(tx pgx.Tx) error {
		// The lock must outlast the removal, even if this process is suspended
		// between the two: then the server must not end the session.
		if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKey(sum)); err != nil {
			return err
		}
		// Only a statement that begins under the lock sees what was committed
		// before it.
		unused, err := v.References.Unreferenced(ctx, tx, [][]byte{sum[:]})
		if err != nil || len(unused) == 0 {
			return err
		}
		removed = true

		return v.Blobs.Delete(ctx, blob.ContentKey(sum))
	})
	if err != nil {
		return false, err
	}

	return removed, nil
}

// lockKey is the advisory lock of a content.
func lockKey(sum [32]byte) int64 { return int64(binary.BigEndian.Uint64(sum[:8])) }
