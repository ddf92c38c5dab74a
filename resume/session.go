package resume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db"
	"inlet/link"
	"inlet/problem"
)

const (
	findQuery = `
		SELECT id, stored_as, size, expires_at, result FROM upload_sessions
		WHERE id = $1 AND link_id = $2 AND expires_at > $3`

	// The lock makes the limit exact: each transaction counts all earlier sessions.
	linkLockQuery = `SELECT pg_advisory_xact_lock(hashtextextended('inlet sessions ' || $1, 0))`
	createQuery   = `
		INSERT INTO upload_sessions (id, stored_as, link_id, size, created_at, expires_at)
		SELECT $1, $2, $3, $4, $5, $6
		WHERE (SELECT count(*) FROM upload_sessions WHERE link_id = $3 AND result IS NULL AND expires_at > $5) < $7`

	// Guarded twice: by the lease, and against a second result.
	recordQuery = `
		UPDATE upload_sessions SET result = $3, expires_at = $4 WHERE id = $1 AND holder = $2 AND result IS NULL`

	deleteQuery = `DELETE FROM upload_sessions WHERE id = $1`
)

// errLost says that another request took the session meanwhile.
var errLost = errors.New("resume: the lease was lost")

// idLetters are those of rand.Text, which makes the ids.
const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// session is the row of one upload in pieces.
type session struct {
	ID        string
	StoredAs  string // its id in the Store
	Size      int64  // in bytes
	ExpiresAt time.Time
	Result    *Result // nil until the file has passed the pipeline
}

// sessions are the rows of upload_sessions. Leases and sweeps are in files of
// their own.
type sessions struct{ pool *pgxpool.Pool }

// find returns a session of the link.
func (s sessions) find(ctx context.Context, id string, of link.ID, now time.Time) (*session, error) {
	if strings.Trim(id, idLetters) != "" { // Postgres takes not every string for a text
		return nil, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()

	rows, _ := s.pool.Query(ctx, findQuery, id, string(of), now) // rows hold the error
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[session])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}

	return found, failed("look a session up", err)
}

// create adds a session to the link, or fails with ErrTooMany.
func (s sessions) create(ctx context.Context, n session, of link.ID, now time.Time) error {
	var b pgx.Batch
	b.Queue(linkLockQuery, string(of))
	db.QueueRequired(&b, ErrTooMany, createQuery, n.ID, n.StoredAs, string(of), n.Size, now, n.ExpiresAt, maxUnfinished)
	err := s.send(ctx, &b)
	if errors.Is(err, ErrTooMany) {
		return err
	}

	return failed("create a session", err)
}

// queueResult adds to b the result of the session whose lease holder has.
func queueResult(b *pgx.Batch, id, holder string, r *Result, expires time.Time) {
	db.QueueRequired(b, errLost, recordQuery, id, holder, r, expires)
}

// record writes the result of a file that was refused.
func (s sessions) record(ctx context.Context, id, holder string, r *Result, expires time.Time) error {
	var b pgx.Batch
	queueResult(&b, id, holder, r, expires)
	return failed("record a result", s.send(ctx, &b))
}

func (s sessions) remove(ctx context.Context, id string) error {
	var b pgx.Batch
	b.Queue(deleteQuery, id)
	return failed("remove a session", s.send(ctx, &b))
}

// send runs the statements in one transaction.
func (s sessions) send(ctx context.Context, b *pgx.Batch) error {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	return s.pool.SendBatch(ctx, b).Close()
}

// failed marks err as the failure of a store, nil as nil.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return problem.StoreFailed(fmt.Errorf("resume: %s: %w", doing, err))
}
