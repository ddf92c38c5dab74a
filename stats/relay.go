package stats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

const (
	// batchRows bounds a drain, which is one script and one transaction. The script
	// blocks Redis for a few milliseconds at most.
	batchRows = 500
	// pace is the shortest time between drains, so that a stream of uploads is
	// counted in batches instead of one commit each.
	pace = 20 * time.Millisecond
	// rest is the pause after a failure.
	rest = 250 * time.Millisecond
)

// errUnreadable means that a row of the outbox contains no event.
var errUnreadable = errors.New("stats: an event cannot be read")

// row is an event in the outbox.
type row struct {
	id    int64
	delta Delta
}

// relay drains the outbox at every Wake and once a second. Once a second it also
// checks that Redis still has the counters.
func (s *Service) relay(ctx context.Context) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	var away bool // logs an outage once

	for due := true; ; {
		pause, err := pace, s.step(ctx, due)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if pause = rest; !away {
				s.log.WarnContext(ctx, "statistics fall behind; their events wait in the outbox", "error", err)
			}
		case away:
			s.log.InfoContext(ctx, "statistics are counted again")
		}
		away = err != nil

		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			due = true
		case <-s.wake:
			due = false
		}
	}
}

// step drains until the outbox is empty. When due, it first mends Redis.
func (s *Service) step(ctx context.Context, due bool) error {
	if due {
		s.measure(ctx)
		if err := s.mend(ctx); err != nil {
			return err
		}
	}

	for {
		n, err := s.drain(ctx)
		if stale := errors.Is(err, errStale); stale || errors.Is(err, errUnreadable) {
			s.log.WarnContext(ctx, "statistics are built anew", "because", err)
			s.Wake() // for the events that arrive meanwhile
			return s.rebuild(ctx, !stale)
		}
		if err != nil || n < batchRows {
			return err
		}
	}
}

// drain applies up to batchRows events and removes them from the outbox. It locks the
// rows, so that replicas share the work; drains share the advisory lock, and a rebuild
// holds it alone.
func (s *Service) drain(ctx context.Context) (int, error) {
	var ids []int64
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		epoch, rows, err := s.take(ctx, tx)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := s.apply(ctx, epoch, rows); err != nil {
			return err
		}
		for _, r := range rows {
			ids = append(ids, r.id)
		}
		return remove(ctx, tx, ids)
	})
	if err != nil {
		return 0, fmt.Errorf("stats: drain the outbox: %w", err)
	}
	s.forget(ctx, ids)
	return len(ids), nil
}

// take locks and reads the next rows; none during a rebuild.
//
// The statements are separate on purpose: each sees what was committed before it
// started, so the second reads the epoch after the first has the lock.
func (s *Service) take(ctx context.Context, tx pgx.Tx) (epoch string, rows []row, err error) {
	var b pgx.Batch
	free := false
	b.Queue(`SELECT pg_try_advisory_xact_lock_shared(hashtext('inlet stats'))`).QueryRow(func(r pgx.Row) error { return r.Scan(&free) })
	b.Queue(`SELECT epoch FROM stats_state`).QueryRow(func(r pgx.Row) error { return r.Scan(&epoch) })
	b.Queue(`SELECT id, event FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, batchRows).Query(func(r pgx.Rows) error {
		var id int64
		var event []byte
		_, err := pgx.ForEachRow(r, []any{&id, &event}, func() error {
			// An unreadable event must not block the others for ever: it causes a
			// rebuild, which counts without it and removes it.
			r := row{id: id}
			if err := json.Unmarshal(event, &r.delta); err != nil {
				return fmt.Errorf("%w: %d: %w", errUnreadable, id, err)
			}
			rows = append(rows, r)
			return nil
		})
		return err
	})

	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return "", nil, err
	}
	if !free {
		s.Wake() // tries again soon
		return "", nil, nil
	}

	return epoch, rows, nil
}

// apply adds the events to Redis, without those that it has already.
func (s *Service) apply(ctx context.Context, epoch string, rows []row) error {
	now := s.now()
	for len(rows) > 0 {
		sum, ids := newTally(now), make([]string, len(rows))
		for i, r := range rows {
			sum.add(r.delta)
			ids[i] = strconv.FormatInt(r.id, 10)
		}

		again, err := s.runApply(ctx, keyPrefix, epoch, 0, ids, sum)
		if err != nil {
			return err
		}
		if len(again) == 0 {
			s.metrics.applied.Add(float64(len(rows)))
			return nil
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
			return slices.Contains(again, strconv.FormatInt(r.id, 10))
		})
	}

	return nil
}

// runApply calls apply.lua, and returns the ids of events that Redis has already.
func (s *Service) runApply(ctx context.Context, prefix, epoch string, ttl time.Duration, ids []string, sum *tally) ([]string, error) {
	encodedIDs, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(sum)
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	again, err := s.applying.Run(ctx, s.rdb, []string{prefix}, epoch, int(ttl.Seconds()), encodedIDs, encoded).StringSlice()
	if errors.Is(err, redis.Nil) {
		return nil, errStale
	}

	return again, err
}

// remove deletes the rows of applied events, and counts them.
func remove(ctx context.Context, tx pgx.Tx, ids []int64) error {
	var b pgx.Batch
	b.Queue(`DELETE FROM outbox WHERE id = ANY($1)`, ids)
	b.Queue(`UPDATE stats_state SET seq = seq + $1`, len(ids))
	return tx.SendBatch(ctx, &b).Close()
}

// forget removes from Redis the ids of removed rows: no drain can apply them again.
// If this fails, the ids stay until the next rebuild and do no harm.
func (s *Service) forget(ctx context.Context, ids []int64) {
	if len(ids) == 0 {
		return
	}
	members := make([]any, len(ids))
	for i, id := range ids {
		members[i] = id
	}
	ctx, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	_ = s.rdb.SRem(ctx, keyPrefix+"applied", members...).Err()
}
