package stats

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/embedded/redistest"
	"inlet/problem"
)

// Each event is counted once, though drains die between the script and the
// commit, and nothing is built anew for it.
func TestDrainThatDies(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s, other := w.service(), w.service()
		w.drained(s)
		epoch := w.currentEpoch()
		w.store(file{camera: "Pixel 8"})
		w.must(s.died(t.Context()))
		w.must(s.died(t.Context())) // nothing is left to apply
		w.duplicate(w.store(file{camera: "Pixel 8"}), file{})
		w.must(other.died(t.Context())) // some are applied, some are not
		w.refuse(2)
		if w.difference(s, true) == "" {
			t.Error("the last event was counted before it was applied")
		}
		w.drained(s)
		w.mustEqualSQL(s)
		w.drained(other)
		if got := w.currentEpoch(); got != epoch {
			t.Error("the counters were built anew")
		}
		if n := s.rdb.SCard(t.Context(), keyPrefix+"applied").Val(); n != 0 {
			t.Errorf("%d ids are remembered though their rows are gone", n)
		}
	})
}

// Two replicas that drain at once share the work.
func TestDrainsTogether(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		one, two := w.service(), w.service()
		w.drained(one)
		epoch := w.currentEpoch()
		for range 30 {
			w.store(file{})
		}
		var both sync.WaitGroup
		for _, s := range []*Service{one, two} {
			both.Go(func() {
				if err := s.step(t.Context(), false); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		w.drained(one)
		w.mustEqualSQL(two)
		if got := w.currentEpoch(); got != epoch {
			t.Error("the counters were built anew")
		}
	})
}

// While somebody else rebuilds, drains leave the outbox alone and look again soon.
func TestDrainWaitsForRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	s := w.service()
	w.drained(s)
	w.store(file{})
	lock, err := w.pool.Begin(t.Context())
	w.must(err)
	_, err = lock.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtext('inlet stats'))`)
	w.must(err)
	n, err := s.drain(t.Context())
	if n != 0 || err != nil || w.outbox() != 1 || len(s.wake) != 1 {
		t.Errorf("drained %d rows, error %v, %d are left, woken %d times", n, err, w.outbox(), len(s.wake))
	}
	w.must(lock.Commit(t.Context()))
	w.drained(s)
	w.mustEqualSQL(s)
}

// More events than one drain takes.
func TestBacklog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	s := w.service()
	w.drained(s)
	var b pgx.Batch
	for range 2*batchRows + 1 {
		QueueRejections(&b, w.clock.Now(), map[problem.Code]int64{problem.Undecodable: 1})
	}
	w.must(w.commit(&b))
	w.drained(s)
	w.mustEqualSQL(s)
}

// What is no event must not hold up the others.
func TestUnreadableEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	s := w.running()
	w.store(file{})
	_, err := w.pool.Exec(t.Context(), `INSERT INTO outbox (event) VALUES ('{"accepted": "many"}'), ('[]')`)
	w.must(err)
	w.store(file{})
	w.eventually(func() string { return w.difference(s, true) })
	w.eventually(func() string {
		if w.outbox() != 0 {
			return "events are left"
		}
		return ""
	})
}

// A row that the first version wrote reaches the feed, whose readers know only
// today's fields.
func TestFirstVersionOfLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	s := w.running()
	feed := s.Subscribe(t.Context())
	nextAccepted(t, feed, 0)
	w.eventually(func() string { return w.difference(s, true) })
	_, err := w.pool.Exec(t.Context(), `INSERT INTO outbox (event) VALUES ('{"live": {"filename": "old.jpg", "status": "stored",
		"id": "019a0000-0000-7000-8000-000000000000", "url": "http://old/v1/images/1", "sha256": "ab", "format": "jpeg",
		"width": 2, "height": 1, "bytes": 3, "link_id": "L1", "label": ""}}')`)
	w.must(err)
	s.Wake()
	if u := next(t, feed, uploadEvent).Upload; u.Filename != "old.jpg" || u.Status != "stored" || u.LinkID != "L1" || u.Bytes != 3 {
		t.Errorf("got %+v", u)
	}
}

// Events commute: a deletion that is applied before what it deletes leaves
// nothing behind, neither does one afterwards.
func TestDeletionLeavesNothing(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		day := w.clock.Now().Format("2006-01-02")
		plus := Delta{
			Formats: map[string]int64{"png": 1}, Cameras: map[string]int64{"Pixel 8": 1}, Images: 1, Bytes: 7,
			Accepted: 1, Stored: 1, Days: []Day{{Date: day, Accepted: 1, Stored: 1, Bytes: 7}}, Links: []Link{{ID: "L9", Files: 1, Bytes: 7, LastUsedAt: w.clock.Now()}},
			Recent: []Recent{{At: w.clock.Now(), Link: "L9", Accepted: 1, Stored: 1, Formats: map[string]int64{"png": 1}, Flags: map[string]int64{"dark": 1}}},
		}
		minus := Delta{
			Formats: map[string]int64{"png": -1}, Cameras: map[string]int64{"Pixel 8": -1}, Images: -1, Bytes: -7,
			Accepted: -1, Stored: -1, Days: []Day{{Date: day, Accepted: -1, Stored: -1, Bytes: -7}}, Links: []Link{{ID: "L9", Files: -1, Bytes: -7}},
			Recent: []Recent{{At: w.clock.Now(), Link: "L9", Accepted: -1, Stored: -1}, {At: w.clock.Now(), Formats: map[string]int64{"png": -1}, Flags: map[string]int64{"dark": -1}}},
		}
		epoch := w.currentEpoch()
		for i, order := range [][]Delta{{minus, plus}, {plus, minus}} {
			for j, d := range order {
				w.must(s.apply(t.Context(), epoch, []row{{int64(1000 + 10*i + j), d}}))
				doc, err := w.inRedis(s)
				w.must(err)
				if gone := i == 0 || j == 1; gone && (len(doc.Formats) != 0 || len(doc.Cameras) != 0 || doc.MostPopularFormat != nil) {
					t.Errorf("order %d, step %d: %v, %v", i, j, doc.Formats, doc.Cameras)
				}
			}
			left := s.rdb.Keys(t.Context(), keyPrefix+"*").Val()
			slices.Sort(left)
			if want := []string{keyPrefix + "applied", keyPrefix + "day:" + day, keyPrefix + "state", keyPrefix + "totals"}; !slices.Equal(left, want) {
				t.Errorf("order %d: there are %v", i, left)
			}
		}
	})
}

func TestDeleteEverything(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		var ids []uuid.UUID
		for _, camera := range []string{"", "Pixel 8", "PIXEL 8", "NIKON D70"} {
			id := w.store(file{camera: camera, format: "heic"})
			w.duplicate(id, file{link: "L2", at: w.clock.Now().AddDate(0, 0, -3)})
			w.duplicate(id, file{at: w.clock.Now().AddDate(0, 0, -100)}) // a day that is not kept
			ids = append(ids, id)
		}
		w.drained(s)
		w.mustEqualSQL(s)
		for _, id := range ids {
			w.erase(id)
		}
		w.drained(s)
		if diff := w.difference(s, false); diff != "" {
			t.Fatal(diff)
		}
		doc, err := w.inRedis(s)
		w.must(err)
		if doc.Uploads != (UploadTotals{}) || doc.Images != (ImageTotals{}) || len(doc.Formats)+len(doc.Cameras) != 0 {
			t.Errorf("something is left: %+v", doc)
		}
	})
}

// An outage of Redis is logged once, and its end.
func TestOutage(t *testing.T) {
	t.Parallel()
	redistest.EachServer(t, func(t *testing.T, server *redistest.Server) {
		w := newWorld(t, server.URL)
		s := w.service()
		var log lines
		s.log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		w.store(file{})
		w.eventually(func() string { return w.difference(s, true) })

		server.Stop()
		w.store(file{format: "png"})
		s.Wake()
		w.eventually(func() string {
			if !strings.Contains(log.String(), "fall behind") {
				return "the outage is not logged"
			}
			return ""
		})
		doc, err := s.Read(t.Context())
		if err != nil || doc.Uploads.Accepted != 2 {
			t.Errorf("read %+v, %v", doc, err)
		}
		w.store(file{format: "gif"})
		s.Wake()
		server.Restart()
		w.eventually(func() string { return w.difference(s, true) })
		w.eventually(func() string {
			if !strings.Contains(log.String(), "counted again") {
				return "the end of the outage is not logged"
			}
			return ""
		})
		cancel()
		w.must(<-done)
		if n := strings.Count(log.String(), "fall behind"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, log.String())
		}
	})
}

// lines is a log that can be read meanwhile.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
