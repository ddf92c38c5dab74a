package resume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/link"
	"inlet/problem"
)

const (
	findQuery = `
		SELECT stored_as, size, expires_at, result FROM upload_sessions
		WHERE id = $1 AND link_id = $2 AND expires_at > $3`

	// The lock makes the limit exact: who counts sees all that were made before.
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

// errLost says that another request has had the session meanwhile.
var errLost = errors.New("resume: the lease was lost")

// idLetters are those of rand.Text, which makes the ids.
const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// session is one upload in pieces.
type session struct {
	id       string
	storedAs string // its id in the Store
	size     int64
	expires  time.Time
	result   []byte // nil until the file has gone through the pipeline
}

// sessions are the rows of upload_sessions.
type sessions struct{ pool *pgxpool.Pool }

// find returns a session of the link.
func (s sessions) find(ctx context.Context, id string, of link.ID, now time.Time) (*session, error) {
	if strings.Trim(id, idLetters) != "" { // Postgres does not take everything for a text
		return nil, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	found := session{id: id}
	err := s.pool.QueryRow(ctx, findQuery, id, string(of), now).Scan(&found.storedAs, &found.size, &found.expires, &found.result)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, problem.StoreFailed(fmt.Errorf("resume: look a session up: %w", err))
	}
	return &found, nil
}

// create adds a session to the link.
func (s sessions) create(ctx context.Context, n session, of link.ID, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	var b pgx.Batch
	b.Queue(linkLockQuery, string(of))
	b.Queue(createQuery, n.id, n.storedAs, string(of), n.size, now, n.expires, maxUnfinished).Exec(atLeastOne(ErrTooMany))
	err := s.pool.SendBatch(ctx, &b).Close()
	if err == nil || errors.Is(err, ErrTooMany) {
		return err
	}
	return problem.StoreFailed(fmt.Errorf("resume: create a session: %w", err))
}

// record adds to b that the session's file has gone through the pipeline.
func record(b *pgx.Batch, s *session, holder string, document []byte, expires time.Time) {
	b.Queue(recordQuery, s.id, holder, string(document), expires).Exec(atLeastOne(errLost))
}

// record writes what became of a file that was refused.
func (s sessions) record(ctx context.Context, of *session, holder string, document []byte, expires time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	var b pgx.Batch
	record(&b, of, holder, document, expires)
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return problem.StoreFailed(fmt.Errorf("resume: record a result: %w", err))
	}
	return nil
}

func (s sessions) remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if _, err := s.pool.Exec(ctx, deleteQuery, id); err != nil {
		return problem.StoreFailed(fmt.Errorf("resume: remove a session: %w", err))
	}
	return nil
}

// atLeastOne makes a statement that changes no row fail with err.
func atLeastOne(err error) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return err
		}
		return nil
	}
}
