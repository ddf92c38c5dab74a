package stats

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db/dbtest"
	"inlet/db/redisdb"
	"inlet/embedded/redistest"
	"inlet/link"
	"inlet/problem"
)

// limit is how long a test waits for what happens by itself.
const limit = 60 * time.Second

// world is a database in which files are uploaded and pictures deleted, each
// change with its event in one transaction, as upload and gallery do it.
type world struct {
	testing.TB
	pool  *pgxpool.Pool
	url   string // of Redis
	clock *clock
}

// clock is the time of the services, and stands still.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func newWorld(t testing.TB, redisURL string) *world {
	t.Helper()
	return &world{
		TB: t, pool: dbtest.Pool(t), url: redisURL,
		clock: &clock{now: time.Date(2026, 10, 25, 13, 0, 0, 0, time.UTC)},
	}
}

// eachWorld runs fn on each kind of Redis.
func eachWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, url string) { fn(t, newWorld(t, url)) })
}

func (w *world) service() *Service {
	w.Helper()
	rdb, err := redisdb.Open(w.url, redisdb.Options{})
	w.must(err)
	w.Cleanup(func() { rdb.Close() })
	s := New(Options{Pool: w.pool, Truth: tables{}, Redis: rdb, Now: w.clock.Now})
	s.every = 20 * time.Millisecond
	return s
}

// running is a service whose Run goes on until the test ends.
func (w *world) running() *Service {
	w.Helper()
	s := w.service()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
	})
	return s
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// file is one that is sent.
type file struct {
	format, camera string
	link           link.ID
	client         byte
	bytes          int64
	at             time.Time // default: now
	flags          []string
}

func (f *file) complete(w *world) {
	if f.at.IsZero() {
		f.at = w.clock.Now()
	}
	if f.format == "" {
		f.format = "jpeg"
	}
	if f.link == "" {
		f.link = "L1"
	}
	if f.bytes == 0 {
		f.bytes = 1000
	}
	if f.flags == nil {
		f.flags = []string{}
	}
}

func (f *file) event(stored, duplicates int64) Delta {
	return Delta{
		Accepted: 1, Stored: stored, Duplicates: duplicates,
		Days: []Day{{
			Date: f.at.UTC().Format(time.DateOnly), Accepted: 1, Stored: stored, Duplicates: duplicates,
			Bytes: f.bytes, Client: hex.EncodeToString([]byte{f.client}),
		}},
		Links:  []Link{{ID: f.link, Files: 1, Bytes: f.bytes, LastUsedAt: f.at}},
		Recent: []Recent{{At: f.at, Link: f.link, Accepted: 1, Stored: stored, Duplicates: duplicates}},
		Live:   &Upload{Filename: f.format, LinkID: f.link},
	}
}

// flagCounts is how often each of the flags counts.
func flagCounts(flags []string, n int64) map[string]int64 {
	counts := map[string]int64{}
	for _, flag := range flags {
		counts[flag] += n
	}
	return counts
}

const (
	insertUpload = `INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) VALUES ($1, $2, $3, $4, $5, $6)`
	insertImage  = `INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at, camera, flags)
		VALUES ($1, $2, $3, 1, 1, $4, $5, nullif($6, ''), $7)`
)

// store commits a new picture.
func (w *world) store(f file) uuid.UUID {
	w.Helper()
	f.complete(w)
	id, sum := uuid.New(), make([]byte, 32)
	_, _ = rand.Read(sum)
	d := f.event(1, 0)
	d.Images, d.Bytes, d.Formats = 1, f.bytes, map[string]int64{f.format: 1}
	if f.camera != "" {
		d.Cameras = map[string]int64{f.camera: 1}
	}
	d.Recent[0].Formats, d.Recent[0].Flags = d.Formats, flagCounts(f.flags, 1)
	var b pgx.Batch
	b.Queue(insertImage, id, sum, f.format, f.bytes, f.at, f.camera, f.flags)
	b.Queue(insertUpload, f.at, id, f.link, "stored", f.bytes, []byte{f.client})
	Queue(&b, d)
	w.must(w.commit(&b))
	return id
}

// duplicate commits a copy of a picture, unless that has been deleted.
func (w *world) duplicate(of uuid.UUID, f file) {
	w.Helper()
	f.complete(w)
	var b pgx.Batch
	b.Queue(insertUpload, f.at, of, f.link, "duplicate", f.bytes, []byte{f.client})
	Queue(&b, f.event(0, 1))
	var pgErr *pgconn.PgError
	if err := w.commit(&b); err != nil && (!errors.As(err, &pgErr) || pgErr.Code != "23503") {
		w.Fatal(err)
	}
}

func (w *world) refuse(n int64) {
	w.Helper()
	w.refuseAt(w.clock.Now(), n)
}

func (w *world) refuseAt(at time.Time, n int64) {
	w.Helper()
	var b pgx.Batch
	QueueRejections(&b, at, map[problem.Code]int64{problem.Undecodable: n})
	w.must(w.commit(&b))
}

func (w *world) commit(b *pgx.Batch) error {
	ctx := context.Background()
	return pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
}

// erase deletes a picture, if it is still there, with all that it had added.
func (w *world) erase(id uuid.UUID) {
	w.Helper()
	ctx := context.Background()
	w.must(pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		var format, camera string
		d := Delta{Images: -1}
		var at time.Time
		var flags []string
		err := tx.QueryRow(ctx, `SELECT format, coalesce(camera, ''), -bytes, uploaded_at, flags FROM images WHERE id = $1 FOR UPDATE`, id).
			Scan(&format, &camera, &d.Bytes, &at, &flags)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		d.Formats = map[string]int64{format: -1}
		d.Recent = []Recent{{At: at, Formats: d.Formats, Flags: flagCounts(flags, -1)}}
		if camera != "" {
			d.Cameras = map[string]int64{camera: -1}
		}
		var day Day
		var l Link
		const query = `SELECT uploaded_at, (uploaded_at AT TIME ZONE 'UTC')::date::text, link_id, -count(*), -count(*) FILTER (WHERE status = 'stored'),
			-count(*) FILTER (WHERE status = 'duplicate'), -sum(bytes)::bigint FROM uploads WHERE image_id = $1 GROUP BY 1, 2, 3`
		err = each(ctx, tx, query, []any{id}, []any{&at, &day.Date, &l.ID, &day.Accepted, &day.Stored, &day.Duplicates, &day.Bytes}, func() error {
			d.Recent = append(d.Recent, Recent{At: at, Link: l.ID, Accepted: day.Accepted, Stored: day.Stored, Duplicates: day.Duplicates})
			l.Files, l.Bytes = day.Accepted, day.Bytes
			d.Days, d.Links = append(d.Days, day), append(d.Links, l)
			d.Accepted, d.Stored, d.Duplicates = d.Accepted+day.Accepted, d.Stored+day.Stored, d.Duplicates+day.Duplicates
			return nil
		})
		if err != nil {
			return err
		}
		var b pgx.Batch
		b.Queue(`DELETE FROM images WHERE id = $1`, id)
		Queue(&b, d)
		return tx.SendBatch(ctx, &b).Close()
	}))
}

// drained applies all events that there are, building the counters first if
// there are none.
func (w *world) drained(s *Service) {
	w.Helper()
	w.must(s.step(context.Background(), true))
	if n := w.outbox(); n != 0 {
		w.Fatalf("%d events are left in the outbox", n)
	}
}

func (w *world) outbox() (n int64) {
	w.Helper()
	w.must(w.pool.QueryRow(context.Background(), `SELECT count(*) FROM outbox`).Scan(&n))
	return n
}

// inRedis is the document as Redis has it, and an error when it has none.
func (w *world) inRedis(s *Service) (Document, error) {
	now := w.clock.Now()
	d, recent, err := s.readRedis(context.Background(), now)
	if err != nil {
		return Document{}, err
	}
	return document(d, recent, now), nil
}

// inPostgres is the document as SQL counts it.
func (w *world) inPostgres(s *Service) Document {
	w.Helper()
	doc, err := s.Recount(context.Background())
	w.must(err)
	return doc
}

// difference compares Redis with SQL, number by number; "" means that they are equal.
func (w *world) difference(s *Service, uploaders bool) string {
	w.Helper()
	got, err := w.inRedis(s)
	if err != nil {
		return err.Error()
	}
	want := w.inPostgres(s)
	if !uploaders { // they cannot forget what has been deleted
		for i := range want.UploadsPerDay {
			got.UploadsPerDay[i].Uploaders, want.UploadsPerDay[i].Uploaders = 0, 0
		}
	}
	if reflect.DeepEqual(got, want) {
		return w.linkDifference(s)
	}
	for _, r := range []*RecentCounts{&got.Recent, &want.Recent} {
		r.Minutes, r.Hours = filled(r.Minutes), filled(r.Hours)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	return fmt.Sprintf("redis %s\nSQL   %s", a, b)
}

func (w *world) linkDifference(s *Service) string {
	w.Helper()
	ctx := context.Background()
	want := map[link.ID]link.Usage{}
	w.must(tables{}.Links(ctx, w.pool, nil, func(l Link) error {
		want[l.ID] = link.Usage{Files: l.Files, Bytes: l.Bytes}
		return nil
	}))
	files, err := s.rdb.HGetAll(ctx, keyPrefix+"links:files").Result()
	w.must(err)
	bytes, err := s.rdb.HGetAll(ctx, keyPrefix+"links:bytes").Result()
	w.must(err)
	got := map[link.ID]link.Usage{}
	for id := range files {
		got[link.ID(id)] = link.Usage{Files: number(files[id]), Bytes: number(bytes[id])}
	}
	if reflect.DeepEqual(got, want) {
		return ""
	}
	return fmt.Sprintf("links: redis %v\nSQL %v", got, want)
}

func (w *world) mustEqualSQL(s *Service) {
	w.Helper()
	if diff := w.difference(s, true); diff != "" {
		w.Fatal(diff)
	}
}

// eventually waits until fn returns "".
func (w *world) eventually(fn func() string) {
	w.Helper()
	deadline := time.Now().Add(limit)
	for {
		problem := fn()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			w.Fatal(problem)
		}
		time.Sleep(time.Millisecond)
	}
}

// currentEpoch tells which build of the counters is in use.
func (w *world) currentEpoch() (epoch string) {
	w.Helper()
	w.must(w.pool.QueryRow(context.Background(), `SELECT epoch FROM stats_state`).Scan(&epoch))
	return epoch
}
