package stats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/embedded/redistest"
	"inlet/link"
	"inlet/problem"
)

// Redis comes back with a state that is not the last one: it is seen, and
// built anew.
func TestRedisLosesEvents(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, w *world, s *Service, server *redistest.Server){
		"flushed": func(_ *testing.T, w *world, _ *Service, server *redistest.Server) {
			w.store(file{})
			server.Flush()
		},
		"emptied": func(_ *testing.T, _ *world, _ *Service, server *redistest.Server) {
			server.Restart()
		},
		"set back by one event": func(_ *testing.T, w *world, s *Service, server *redistest.Server) {
			server.Save()
			w.store(file{})
			w.drained(s)
			server.RestartSaved()
		},
		"set back by one event, and others came since": func(_ *testing.T, w *world, s *Service, server *redistest.Server) {
			server.Save()
			w.store(file{})
			w.drained(s)
			server.RestartSaved()
			w.store(file{})
			_, err := s.drain(context.Background())
			w.must(err)
		},
		"set back by as many events as a dead drain left": func(_ *testing.T, w *world, s *Service, server *redistest.Server) {
			server.Save()
			w.store(file{})
			w.drained(s)
			server.RestartSaved()
			w.store(file{})
			w.must(s.died(context.Background()))
		},
		"set back to before a low id that was committed late": func(t *testing.T, w *world, s *Service, server *redistest.Server) {
			ctx := context.Background()
			late, err := w.pool.Begin(ctx)
			w.must(err)
			var b pgx.Batch
			QueueRejections(&b, w.clock.Now(), map[problem.Code]int64{problem.Undecodable: 1})
			w.must(late.SendBatch(ctx, &b).Close())
			w.store(file{})
			w.drained(s)
			server.Save()
			w.must(late.Commit(ctx))
			w.drained(s)
			w.mustEqualSQL(s)
			server.RestartSaved()
		},
		"set back to an earlier build": func(_ *testing.T, w *world, s *Service, server *redistest.Server) {
			server.Save()
			w.must(s.Rebuild(context.Background()))
			server.RestartSaved()
		},
		"Postgres was set back": func(_ *testing.T, w *world, s *Service, _ *redistest.Server) {
			w.store(file{})
			w.drained(s)
			_, err := w.pool.Exec(context.Background(), `DELETE FROM images WHERE id = (SELECT max(image_id::text)::uuid FROM uploads)`)
			w.must(err)
			_, err = w.pool.Exec(context.Background(), `UPDATE stats_state SET seq = seq - 1`)
			w.must(err)
		},
	}
	for name, lose := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redistest.EachServer(t, func(t *testing.T, server *redistest.Server) {
				w := newWorld(t, server.URL)
				s := w.service()
				w.drained(s)
				w.store(file{camera: "Pixel 8"})
				w.drained(s)
				w.mustEqualSQL(s)
				epoch := w.currentEpoch()
				lose(t, w, s, server)
				// The first tick may only drain what a dead drain left.
				w.drained(s)
				w.drained(s)
				w.mustEqualSQL(s)
				if w.currentEpoch() == epoch {
					t.Error("nothing was built anew")
				}
				w.store(file{})
				w.drained(s)
				w.mustEqualSQL(s)
			})
		})
	}
}

// What is only on its way is no loss.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		epoch := w.currentEpoch()
		w.store(file{})
		w.must(s.died(t.Context()))
		w.must(s.mend(t.Context()))
		w.must(s.rebuild(t.Context(), false))
		w.drained(s)
		if w.currentEpoch() != epoch {
			t.Error("the counters were built anew")
		}
	})
}

// Uploads that are committed while a rebuild runs are counted once, whether
// their rows were written before or after it began.
func TestRebuildBetweenUploads(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.store(file{camera: "NIKON D70"}) // before there are counters at all
		late, err := w.pool.Begin(t.Context())
		w.must(err)
		var b pgx.Batch
		QueueRejections(&b, w.clock.Now(), map[problem.Code]int64{problem.Undecodable: 1})
		w.must(late.SendBatch(t.Context(), &b).Close())

		conn, err := w.pool.Acquire(t.Context())
		w.must(err)
		defer conn.Release()
		epoch := "between"
		w.must(pgx.BeginTxFunc(t.Context(), conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			spans, err := s.fill(t.Context(), tx, epoch) // the snapshot is taken
			w.must(err)
			w.must(late.Commit(t.Context()))
			w.store(file{camera: "Pixel 8", format: "png"})
			_, err = takeOver(t.Context(), tx, epoch)
			w.must(err)
			return s.switchTo(t.Context(), epoch, spans)
		}))
		if n := w.outbox(); n != 2 {
			t.Fatalf("%d events wait, not the two that the snapshot lacks", n)
		}
		w.drained(s)
		w.mustEqualSQL(s)
		if got := w.currentEpoch(); got != epoch {
			t.Error("it was built twice")
		}
	})
}

// A rebuild waits for a drain that runs, and counts what was committed and
// drained while it waited: its snapshot is taken afterwards.
func TestRebuildWaitsForDrain(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		ctx := t.Context()
		drain, err := w.pool.Begin(ctx)
		w.must(err)
		_, rows, err := s.take(ctx, drain)
		w.must(err)
		if len(rows) != 0 {
			t.Fatalf("took %v", rows)
		}
		done := make(chan error, 1)
		go func() { done <- s.Rebuild(ctx) }()
		w.eventually(func() string {
			var waiting bool
			w.must(w.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
				WHERE locktype = 'advisory' AND NOT granted AND datname = current_database())`).Scan(&waiting))
			if !waiting {
				return "the rebuild does not wait"
			}
			return ""
		})
		// Committed after the rebuild began to wait, and drained before it goes on.
		w.store(file{camera: "Pixel 8"})
		epoch := w.currentEpoch()
		rows, err = lockedRows(ctx, drain)
		w.must(err)
		w.must(s.apply(ctx, epoch, rows))
		w.must(remove(ctx, drain, []int64{rows[0].id}))
		w.must(drain.Commit(ctx))
		w.must(<-done)
		if w.currentEpoch() == epoch {
			t.Error("nothing was built")
		}
		w.mustEqualSQL(s)
	})
}

// lockedRows takes what is in the outbox in a transaction that has the
// advisory lock already.
func lockedRows(ctx context.Context, tx pgx.Tx) (rows []row, err error) {
	var r row
	err = each(ctx, tx, `SELECT id, event FROM outbox FOR UPDATE`, nil, []any{&r.id, &r.delta}, func() error {
		rows = append(rows, r)
		return nil
	})
	return rows, err
}

var errCommit = errors.New("the commit failed")

// A rebuild that dies after the switch leaves counters that nobody trusts; one
// that dies before leaves keys that expire.
func TestRebuildThatDies(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		w.store(file{camera: "Pixel 8"})
		w.drained(s)
		for _, switched := range []bool{false, true} {
			epoch := fmt.Sprint("dead", switched)
			err := pgx.BeginTxFunc(t.Context(), w.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
				spans, err := s.fill(t.Context(), tx, epoch)
				w.must(err)
				if switched {
					w.must(s.switchTo(t.Context(), epoch, spans))
					w.must(s.switchTo(t.Context(), epoch, spans)) // asked again: the answer was lost
				}
				return errCommit
			})
			if !errors.Is(err, errCommit) {
				t.Fatal(err)
			}
			keys := s.rdb.Keys(t.Context(), buildPrefix(epoch)+"*").Val()
			if switched == (len(keys) > 0) {
				t.Errorf("switched %t: %v", switched, keys)
			}
			for _, key := range keys {
				if ttl := s.rdb.TTL(t.Context(), key).Val(); ttl <= 0 {
					t.Errorf("%s stays for ever", key)
				}
			}
		}
		if _, err := w.inRedis(s); !errors.Is(err, errStale) {
			t.Errorf("counters of a dead rebuild are trusted: %v", err)
		}
		if doc, err := s.Read(t.Context()); err != nil || doc.Images.Stored != 1 {
			t.Errorf("read %+v, %v", doc, err)
		}
		// The next drain sees it, too.
		w.store(file{})
		w.must(s.step(t.Context(), false))
		w.mustEqualSQL(s)
		for _, key := range s.rdb.Keys(t.Context(), keyPrefix+"*").Val() {
			name := strings.TrimPrefix(key, keyPrefix)
			kind, _, _ := strings.Cut(name, ":")
			passes := slices.Contains([]string{"day", "clients", "minute", "hour"}, kind)
			if ttl := s.rdb.TTL(t.Context(), key).Val(); kind != "build" && passes != (ttl > 0) {
				t.Errorf("%s expires in %v", key, ttl)
			}
		}
	})
}

func TestBuildThatExpired(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		if err := s.switchTo(t.Context(), "nothing", nil); err == nil || errors.Is(err, errStale) {
			t.Errorf("switched to what is not there: %v", err)
		}
		w.mustEqualSQL(s)
	})
}

// A rebuild writes in parts.
func TestRebuildOfMuch(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		var b pgx.Batch
		id := uuid.New()
		for i := range 3*partSize + 7 {
			id = uuid.New()
			b.Queue(insertImage, id, append(id[:], id[:]...), "webp", int64(i), w.clock.Now(), fmt.Sprintf("Camera %d", i), []string{})
			b.Queue(insertUpload, w.clock.Now(), id, fmt.Sprintf("link %d", i), "stored", int64(i), fmt.Append(nil, i))
		}
		w.must(w.commit(&b))
		w.must(s.Rebuild(t.Context()))
		if diff := w.difference(s, false); diff != "" { // so many are estimated
			t.Fatal(diff)
		}
		got, err := w.inRedis(s)
		w.must(err)
		n := got.UploadsPerDay[shownDays-1].Uploaders
		if want := int64(3*partSize + 7); n < want*95/100 || n > want*105/100 {
			t.Errorf("%d uploaders are taken for %d", want, n)
		}
		w.erase(id)
		w.drained(s)
		if diff := w.difference(s, false); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Rebuilds fail with the stores, and say so.
func TestStoresAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	w := newWorld(t, server.URL)
	s := w.service()
	w.drained(s)
	epoch := w.currentEpoch()
	server.Stop()
	if err := s.Rebuild(t.Context()); err == nil {
		t.Error("rebuilt without Redis")
	}
	if err := s.mend(t.Context()); err == nil {
		t.Error("compared without Redis")
	}
	w.store(file{})
	if _, err := s.drain(t.Context()); err == nil {
		t.Error("drained without Redis")
	}
	if w.outbox() != 1 || w.currentEpoch() != epoch {
		t.Error("Postgres was changed")
	}
	w.pool.Close()
	for name, call := range map[string]func() error{
		"Rebuild": func() error { return s.Rebuild(t.Context()) },
		"mend":    func() error { return s.mend(t.Context()) },
		"Read":    func() error { _, err := s.Read(t.Context()); return err },
		"Links":   func() error { _, err := s.Links(t.Context(), []link.ID{"L1"}); return err },
		"Lag":     func() error { _, err := s.Lag(t.Context()); return err },
	} {
		if call() == nil {
			t.Errorf("%s works without any store", name)
		}
	}
	s.measure(t.Context())
}
