package stats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

const (
	// How long one rebuild may take, and how long what a dead one left stays.
	buildTime = time.Hour
	// What one call of the script writes at most.
	partSize = 500
)

// Rebuild counts everything anew from Postgres and switches Redis over to it.
// Uploads go on meanwhile; their events wait in the outbox.
func (s *Service) Rebuild(ctx context.Context) error {
	return s.rebuild(ctx, true)
}

// mend rebuilds if Redis does not have the counters that it should have.
func (s *Service) mend(ctx context.Context) error {
	want, err := s.wanted(ctx, s.pool)
	if err != nil {
		return err
	}
	got, err := s.found(ctx)
	if err != nil || want.epoch != "" && got == want {
		return err
	}
	// They differ also while another replica drains: only with the lock can it
	// be told exactly.
	return s.rebuild(ctx, false)
}

// found is the state that Redis has.
func (s *Service) found(ctx context.Context) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	var got struct {
		Epoch string `redis:"epoch"`
		Seq   int64  `redis:"seq"`
	}
	if err := s.rdb.HMGet(ctx, keyPrefix+"state", "epoch", "seq").Scan(&got); err != nil {
		return state{}, fmt.Errorf("stats: reach redis: %w", err)
	}
	return state{got.Epoch, got.Seq}, nil
}

// rebuild takes the lock, so that no drain runs anywhere. Unless it is forced
// it compares again then, exactly: another replica may have mended it.
//
// The lock has a transaction of its own: a snapshot that is taken while waiting
// for it would be too old, and a session's lock would be somebody else's behind a
// pooler. Should its connection break, drains and the build exclude each other all
// the same: both write stats_state, so the build cannot be serialised and fails.
func (s *Service) rebuild(ctx context.Context, force bool) error {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	err := pgx.BeginFunc(ctx, s.pool, func(lock pgx.Tx) error {
		if err := patience(ctx, lock, buildTime); err != nil {
			return err
		}
		if _, err := lock.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('inlet stats'))`); err != nil {
			return fmt.Errorf("wait for drains to end: %w", err)
		}
		if !force {
			if same, err := s.compare(ctx, lock); err != nil || same {
				return err
			}
		}
		if err := s.build(ctx); err != nil {
			return err
		}
		s.metrics.rebuilds.Inc()
		return nil
	})
	if err != nil {
		return fmt.Errorf("stats: rebuild: %w", err)
	}
	return nil
}

// compare tells whether Redis has exactly the counters that it should have. No
// drain runs meanwhile. What is applied and still in the outbox was left by a
// drain that died; it counts in Redis only.
func (s *Service) compare(ctx context.Context, tx pgx.Tx) (bool, error) {
	want, err := s.wanted(ctx, tx)
	if err != nil {
		return false, err
	}
	got, err := s.found(ctx)
	if err != nil || want.epoch == "" || got.epoch != want.epoch {
		return false, err
	}
	known, err := s.rdb.SMembers(ctx, keyPrefix+"applied").Result()
	if err != nil {
		return false, err
	}
	rows, err := tx.Query(ctx, `SELECT count(*) FROM outbox WHERE id = ANY($1::text[]::bigint[])`, known)
	if err != nil {
		return false, err
	}
	left, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	return got.seq == want.seq+left, err
}

// build reads everything in one snapshot, writes it to Redis beside what is in
// use, and switches. The events that the snapshot contains are removed from the
// outbox in the same transaction; those that were committed later are not in
// the snapshot and stay. Redis is switched before Postgres commits: if the
// commit fails, Redis has an epoch that nobody trusts and is built again.
func (s *Service) build(ctx context.Context) error {
	epoch := rand.Text()
	var live []string
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if err := patience(ctx, tx, buildTime); err != nil {
			return err
		}
		if err := s.fill(ctx, tx, epoch); err != nil {
			return err
		}
		var err error
		if live, err = takeOver(ctx, tx, epoch); err != nil {
			return err
		}
		return s.switchTo(ctx, epoch)
	})
	if err != nil {
		return err
	}
	s.epoch.Store(&epoch)
	s.announceLate(ctx, live)
	return nil
}

// announceLate sends to the live feed what a rebuild found in the outbox. The
// feed is best effort: the counters are right without it.
func (s *Service) announceLate(ctx context.Context, live []string) {
	for _, upload := range live {
		if err := s.rdb.Publish(ctx, liveChannel, upload).Err(); err != nil {
			return
		}
	}
}

// patience lets the statements of a transaction take longer than an upload's.
func patience(ctx context.Context, tx pgx.Tx, d time.Duration) error {
	_, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)`,
		fmt.Sprint(d.Milliseconds()))
	return err
}

// takeOver makes the epoch the valid one and removes the events that are in
// its counters. It returns the latest of their messages to the live feed.
func takeOver(ctx context.Context, tx pgx.Tx, epoch string) ([]string, error) {
	if _, err := tx.Exec(ctx, `UPDATE stats_state SET epoch = $1, seq = 0`, epoch); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		WITH gone AS (DELETE FROM outbox RETURNING id, created_at, event->'live' AS live)
		SELECT live::text FROM gone WHERE live IS NOT NULL AND created_at > clock_timestamp() - interval '1 minute'
		ORDER BY id DESC LIMIT 100`)
	if err != nil {
		return nil, err
	}
	live, err := pgx.CollectRows(rows, pgx.RowTo[string])
	slices.Reverse(live) // the oldest of the latest first
	return live, err
}

// fill writes the counters of the snapshot under the build's own keys, which
// expire if the build does not end.
func (s *Service) fill(ctx context.Context, tx pgx.Tx, epoch string) error {
	b := &building{s: s, epoch: epoch, prefix: buildPrefix(epoch), part: newTally()}
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, b.prefix+"state", "epoch", epoch, "seq", 0)
		p.Expire(ctx, b.prefix+"state", buildTime)
		return nil
	})
	if err != nil {
		return err
	}
	since := dates(s.now(), keptDays)[0]
	counted, err := s.count(ctx, tx, since)
	if err != nil {
		return err
	}
	cameras := counted.Cameras
	counted.Cameras = nil
	if err := b.write(ctx, counted); err != nil {
		return err
	}
	for lower, spellings := range cameras {
		b.part.Cameras[lower] = spellings
		if err := b.added(ctx, len(spellings)); err != nil {
			return err
		}
	}
	err = s.truth.Links(ctx, tx, nil, func(l Link) error {
		b.part.link(l)
		return b.added(ctx, 1)
	})
	if err != nil {
		return err
	}
	err = s.truth.Clients(ctx, tx, since, func(date, client string) error {
		b.part.client(date, client)
		return b.added(ctx, 1)
	})
	if err != nil {
		return err
	}
	return b.flush(ctx)
}

func buildPrefix(epoch string) string { return keyPrefix + "build:" + epoch + ":" }

// building writes counters in parts.
type building struct {
	s             *Service
	epoch, prefix string
	part          *tally
	size          int
}

func (b *building) added(ctx context.Context, n int) error {
	if b.size += n; b.size < partSize {
		return nil
	}
	return b.flush(ctx)
}

func (b *building) flush(ctx context.Context) error {
	part := b.part
	b.part, b.size = newTally(), 0
	return b.write(ctx, part)
}

func (b *building) write(ctx context.Context, part *tally) error {
	_, err := b.s.runApply(ctx, b.prefix, b.epoch, buildTime, []string{}, part)
	return err
}

// switchTo puts the counters that were built in the place of those in use.
func (s *Service) switchTo(ctx context.Context, epoch string) error {
	args := []any{epoch, "state", "applied", "formats", "cameras", "spellings", "totals", "links:files", "links:bytes", "links:last"}
	for _, date := range dates(s.now(), keptDays) {
		args = append(args, "day:"+date, "clients:"+date)
	}
	done, err := s.switching.Run(ctx, s.rdb, []string{keyPrefix, buildPrefix(epoch)}, args...).Int()
	if err == nil && done == 0 {
		err = errors.New("the new counters have expired before they were complete")
	}
	if errors.Is(err, redis.Nil) {
		return errStale
	}
	return err
}
