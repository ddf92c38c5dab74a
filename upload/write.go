package upload

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/imaging"
	"inlet/link"
	"inlet/stats"
	"inlet/upload/lookalike"
)

// write gathers the statements of one commit, so that they travel in one round
// trip.
type write struct {
	s        *Service
	a        arrival
	now      time.Time
	batch    pgx.Batch
	requires bool // what a statement returns decides whether the rest stands
}

func newWrite(s *Service, a arrival, now time.Time) *write {
	w := &write{s: s, a: a, now: now}
	if g := a.from.Grant; g.MaxFiles > 0 || g.MaxBytes > 0 {
		w.require(link.ErrExhausted, spendQuery, string(g.ID), a.staged.Size(), g.ExpiresAt, g.MaxFiles, g.MaxBytes)
	}
	return w
}

// require queues a statement that must return a row; none means err.
func (w *write) require(err error, query string, args ...any) {
	w.requires = true
	w.batch.Queue(query, args...).QueryRow(func(row pgx.Row) error {
		var ignored any
		scanErr := row.Scan(&ignored)
		if errors.Is(scanErr, pgx.ErrNoRows) {
			return err
		}
		return scanErr
	})
}

func (w *write) insert(query string, args ...any) { w.require(errRaced, query, args...) }

// lock shares the content's lock with other uploads; removing the blob takes
// it alone.
func (w *write) lock(sum [32]byte) {
	w.batch.Queue(`SELECT pg_advisory_xact_lock_shared($1)`, int64(binary.BigEndian.Uint64(sum[:8])))
}

func (w *write) upload(image uuid.UUID, r Result) {
	g := w.a.from.Grant
	w.batch.Queue(uploadQuery, w.now, image, string(g.ID), string(r.Status), r.Match, r.Distance,
		w.a.staged.Size(), w.a.filename, w.s.client(w.a))
	w.batch.Queue(seenQuery, string(g.ID), g.Label, w.now, g.ExpiresAt)
	if w.a.from.Record != nil {
		w.requires = true
		w.a.from.Record(&w.batch, r)
	}
}

// looks makes the picture findable by its looks, and lists those that look alike.
func (w *write) looks(id uuid.UUID, info imaging.Info, like alike) {
	if info.Fingerprint == nil {
		return
	}
	lookalike.Queue(&w.batch, id, w.a.scope, info.Fingerprint, info.Probes, like.seen)
	for _, c := range like.near {
		lookalike.QueueNear(&w.batch, id, c.ID, c.Distance)
	}
}

func (w *write) event(d stats.Delta) { stats.Queue(&w.batch, d) }

// send makes one transaction of the statements. Postgres takes what travels
// together for one, so it needs no round trip more; but when a statement's
// result decides, the answer has to be here before the commit goes out.
func (w *write) send(ctx context.Context) error {
	if w.requires {
		return w.sendTx(ctx, func() error { return nil })
	}
	return w.s.Pool.SendBatch(ctx, &w.batch).Close()
}

// sendTx makes one transaction of the statements and calls last before the
// commit. The beginning travels with the statements.
func (w *write) sendTx(ctx context.Context, last func() error) error {
	var all pgx.Batch
	all.Queue("begin")
	all.QueuedQueries = append(all.QueuedQueries, w.batch.QueuedQueries...)
	return w.s.Pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		err := conn.SendBatch(ctx, &all).Close()
		if err == nil {
			err = last()
		}
		if err != nil {
			// When this fails too, the pool closes the connection: a transaction
			// is open on it.
			_, _ = conn.Exec(ctx, "rollback")
			return err
		}
		_, err = conn.Exec(ctx, "commit")
		return err
	})
}

// sendWithJobs is sendTx with jobs in the transaction.
func (w *write) sendWithJobs(ctx context.Context, jobs func(context.Context, pgx.Tx) error, last func() error) error {
	return pgx.BeginFunc(ctx, w.s.Pool, func(tx pgx.Tx) error {
		if err := tx.SendBatch(ctx, &w.batch).Close(); err != nil {
			return err
		}
		if err := jobs(ctx, tx); err != nil {
			return err
		}
		return last()
	})
}
