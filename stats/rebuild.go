package stats

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"inlet/db"
)

const (
	// buildTime bounds a rebuild, and the life of the keys of one that died.
	buildTime = time.Hour
	// partSize bounds what one call of apply.lua writes.
	partSize = 500
	// recentSize is what a Recent counts: it changes a minute, an hour, and their links.
	recentSize = 5
	// completing is the shortest time between rebuilds for minutes and hours alone.
	completing = time.Minute
	// dayLife is how many seconds the counters of a day are kept from their last
	// change on; apply.lua has the same number.
	dayLife = (keptDays + 1) * 24 * 60 * 60
	// ahead is how many spans after the current one a rebuild takes over.
	ahead = 2
)

// Rebuild counts everything in Postgres and replaces the counters in Redis. Uploads
// go on meanwhile; their events wait in the outbox.
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
	if err != nil || want.Epoch != "" && got.Epoch == want.Epoch && got.Seq == want.Seq && s.complete(got) {
		return err
	}
	// They also differ while another replica drains. Only under the lock is the
	// comparison exact.
	return s.rebuild(ctx, false)
}

// found is the state that Redis has.
func (s *Service) found(ctx context.Context) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	got := state{Recent: -1} // counters of earlier releases have no such field
	if err := s.rdb.HMGet(ctx, keyPrefix+"state", "epoch", "seq", "recent").Scan(&got); err != nil {
		return state{}, fmt.Errorf("stats: reach redis: %w", err)
	}
	return got, nil
}

// complete tells whether the minutes and hours contain every event that the other
// counters contain. They lack those that an earlier release wrote or applied. Replicas
// of both run while they are replaced, and a rebuild costs much: in the minute after
// this process built the counters, they count as complete.
func (s *Service) complete(got state) bool {
	return got.Recent == got.Seq || s.now().Unix()-s.built.Load() < int64(completing.Seconds())
}

// rebuild takes the lock, so that no drain runs anywhere. Unless forced, it then
// compares again, exactly: another replica may have rebuilt meanwhile.
//
// A transaction of its own holds the lock: build's snapshot must begin after the lock
// is granted, and behind a pooler a session lock would stay with somebody else's
// session. If the lock's connection breaks, drains and the build still exclude each
// other: both write stats_state, so the build fails to serialise.
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
		return s.build(ctx)
	})
	if err != nil {
		return fmt.Errorf("stats: rebuild: %w", err)
	}

	return nil
}

// compare tells whether Redis has exactly the counters that it should have. The
// caller holds the lock. Redis' seq also counts the events that a dead drain applied
// and left in the outbox.
func (s *Service) compare(ctx context.Context, tx pgx.Tx) (bool, error) {
	want, err := s.wanted(ctx, tx)
	if err != nil {
		return false, err
	}
	got, err := s.found(ctx)
	if err != nil || want.Epoch == "" || got.Epoch != want.Epoch {
		return false, err
	}
	known, err := s.rdb.SMembers(ctx, keyPrefix+"applied").Result()
	if err != nil {
		return false, err
	}

	var left int64
	err = tx.QueryRow(ctx, `SELECT count(*) FROM outbox WHERE id = ANY($1::text[]::bigint[])`, known).Scan(&left)
	return got.Seq == want.Seq+left && s.complete(got), err
}

// build reads everything in one snapshot, writes it to Redis beside the counters in
// use, and switches. The same transaction removes the snapshot's events from the
// outbox; later events are not in the snapshot and stay. Redis switches before
// Postgres commits: if the commit fails, no process trusts the epoch in Redis, and the
// next mend builds again.
func (s *Service) build(ctx context.Context) error {
	epoch := rand.Text()
	var live []string
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		err := patience(ctx, tx, buildTime)
		var spans []string
		if err == nil {
			spans, err = s.fill(ctx, tx, epoch)
		}
		if err == nil {
			live, err = takeOver(ctx, tx, epoch)
		}
		if err == nil {
			err = s.switchTo(ctx, epoch, spans)
		}
		return err
	})
	if err != nil {
		return err
	}

	s.epoch.Store(&epoch)
	s.built.Store(s.now().Unix())
	s.metrics.rebuilds.Inc()
	s.publish(ctx, live)
	return nil
}

// publish sends uploads to the live feed, until one fails: the counters are right
// without the feed.
func (s *Service) publish(ctx context.Context, live []string) {
	for _, upload := range live {
		if s.rdb.Publish(ctx, liveChannel, upload).Err() != nil {
			return
		}
	}
}

// patience replaces the transaction's timeouts, which suit an upload.
func patience(ctx context.Context, tx pgx.Tx, d time.Duration) error {
	_, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)`,
		fmt.Sprint(d.Milliseconds()))
	return err
}

// takeOver makes the epoch valid and removes the events that its counters contain. It
// returns the latest of their messages to the live feed, oldest first.
func takeOver(ctx context.Context, tx pgx.Tx, epoch string) ([]string, error) {
	if _, err := tx.Exec(ctx, `UPDATE stats_state SET epoch = $1, seq = 0`, epoch); err != nil {
		return nil, err
	}
	live, err := db.Collect[string](ctx, tx, `
		WITH gone AS (DELETE FROM outbox RETURNING id, created_at, event->'live' AS live)
		SELECT live::text FROM gone WHERE live IS NOT NULL AND created_at > clock_timestamp() - interval '1 minute'
		ORDER BY id DESC LIMIT 100`)
	slices.Reverse(live)
	return live, err
}

// fill writes the snapshot's counters under keys of the build, which expire if the
// build does not end. It returns the names of the minutes and hours that it wrote.
func (s *Service) fill(ctx context.Context, tx pgx.Tx, epoch string) ([]string, error) {
	prefix := buildPrefix(epoch)
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, prefix+"state", "epoch", epoch, "seq", 0, "recent", 0)
		p.Expire(ctx, prefix+"state", buildTime)
		return nil
	})
	if err != nil {
		return nil, err
	}

	now := s.now()
	since := Kept(now)
	parts := newParts(now, func(part *tally) error {
		_, err := s.runApply(ctx, prefix, epoch, buildTime, []string{}, part)
		return err
	})
	counted, err := s.count(ctx, tx, since, func(r Recent) error {
		return parts.write(recentSize, func(part *tally) { part.recent(r) })
	})
	if err != nil {
		return nil, err
	}
	for name, n := range counted.Cameras {
		if err := parts.write(1, func(part *tally) { part.camera(name, n) }); err != nil {
			return nil, err
		}
	}
	counted.Cameras = nil
	parts.part.add(counted)

	err = s.truth.Links(ctx, tx, nil, func(l Link) error {
		return parts.write(1, func(part *tally) { part.link(l) })
	})
	if err != nil {
		return nil, err
	}
	err = s.truth.Clients(ctx, tx, since.Day, func(date, client string) error {
		return parts.write(1, func(part *tally) { part.day(Day{Date: date, Client: client}) })
	})
	if err != nil {
		return nil, err
	}
	err = parts.flush()

	return slices.Collect(maps.Keys(parts.spans)), err
}

// parts divide what a rebuild writes: no call of apply.lua writes very much.
type parts struct {
	now   time.Time
	apply func(*tally) error
	part  *tally
	size  int
	spans map[string]bool // the names of the minutes and hours in all parts
}

func newParts(now time.Time, apply func(*tally) error) *parts {
	return &parts{now: now, apply: apply, part: newTally(now), spans: map[string]bool{}}
}

// write adds something of a size to the part, and applies a full part.
func (p *parts) write(size int, add func(*tally)) error {
	add(p.part)
	if p.size += size; p.size < partSize {
		return nil
	}
	return p.flush()
}

func (p *parts) flush() error {
	for span := range p.part.Recent {
		p.spans[span] = true
	}
	err := p.apply(p.part)
	p.part, p.size = newTally(p.now), 0
	return err
}

func buildPrefix(epoch string) string { return keyPrefix + "build:" + epoch + ":" }

// switchTo replaces the counters in use by those of the build, which has written these
// minutes and hours.
func (s *Service) switchTo(ctx context.Context, epoch string, spans []string) error {
	lives, gone := keyLives(s.now(), spans)
	encoded, err := json.Marshal(lives)
	if err != nil {
		return err
	}
	args := []any{epoch, encoded}
	for _, name := range gone {
		args = append(args, name)
	}

	done, err := s.switching.Run(ctx, s.rdb, []string{keyPrefix, buildPrefix(epoch)}, args...).Int()
	if err == nil && done == 0 {
		err = errors.New("the new counters have expired before they were complete")
	}

	return err
}

// keyLives names the keys of counters with these minutes and hours, and the seconds
// until each expires; 0 means never. gone are the keys of all others that Redis may have.
func keyLives(now time.Time, spans []string) (lives map[string]int64, gone []string) {
	lives = map[string]int64{}
	for _, name := range []string{
		"state", "applied", "formats", "cameras", "spellings", "totals",
		"links:files", "links:bytes", "links:last", "links:minute", "links:hour",
	} {
		lives[name] = 0
	}
	for _, date := range dates(now, keptDays) {
		lives["day:"+date] = dayLife
		lives["clients:"+date] = dayLife
	}

	written := map[string]bool{}
	for _, span := range spans {
		written[span] = true
	}
	for _, u := range []unit{minutes(), hours()} {
		// The clock of another replica may be ahead.
		for number := u.first(now, u.kept); number <= u.number(now)+ahead; number++ {
			key := u.key(number)
			if !written[key] {
				gone = append(gone, key, key+":links")
				continue
			}
			life := int64(u.life(number, now).Seconds())
			lives[key], lives[key+":links"] = life, life
		}
	}

	return lives, gone
}
