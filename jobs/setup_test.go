package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"inlet/blob"
	"inlet/catalog"
	"inlet/db/dbtest"
	"inlet/db/redisdb"
	"inlet/imaging"
	"inlet/imaging/heif"
	"inlet/jobs"
	"inlet/learn/features"
	"inlet/learn/registry"
	"inlet/link"
	"inlet/resume"
	"inlet/stats"
	"inlet/upload"
	"inlet/vault"
)

// limit is how long a test waits for what happens in the background.
const limit = 2 * time.Minute

// fixture is the service below the jobs, on a database and a folder of its own.
// Its Options are those of the workers that it starts.
type fixture struct {
	jobs.Options
	t        *testing.T
	root     string // of the blobs
	blobs    *blob.Files
	pieces   *resume.Files
	enqueuer *jobs.Enqueuer
	registry *prometheus.Registry
	log      *logged
}

// config is what tests change of a fixture.
type config struct {
	redisURL string        // default: no Redis answers
	decoding time.Duration // bounds a decoding; default: a minute
}

func setUp(t *testing.T, c config) *fixture {
	t.Helper()
	f := &fixture{t: t, root: t.TempDir(), registry: prometheus.NewRegistry(), log: &logged{}}
	if c.redisURL == "" {
		c.redisURL = "unix://" + f.root + "/no-redis"
	}
	if c.decoding == 0 {
		c.decoding = time.Minute
	}

	var err error
	store := (&url.URL{Scheme: "file", Path: f.root}).String()
	f.blobs, err = blob.Open(store)
	must(t, err)
	f.pieces, err = resume.OpenFiles(store)
	must(t, err)
	rdb, err := redisdb.Open(c.redisURL, redisdb.Options{})
	must(t, err)
	t.Cleanup(func() { rdb.Close() })
	decoder := heif.NewDecoder(heif.Limits{Memory: 256 << 20, Pixels: 10e6, Time: c.decoding})
	t.Cleanup(func() { must(t, decoder.Close(context.Background())) })

	pool, log := dbtest.Pool(t), slog.New(slog.NewTextHandler(f.log, nil))
	f.enqueuer, err = jobs.NewEnqueuer(pool, log)
	must(t, err)
	inspector := imaging.NewInspector(1e6, 64<<20)
	count := stats.New(stats.Options{Pool: pool, Redis: rdb, Truth: catalog.Counts{}})
	gate := &link.Gate{Revocations: link.NewRevocations(pool, rdb, log), Store: link.NewStore(pool, count), Now: time.Now}
	contents := vault.New(vault.Options{Pool: pool, Blobs: f.blobs, References: catalog.References{}, Thumbnailer: inspector})
	pictures := catalog.New(catalog.Options{Pool: pool, Vault: contents, Decoder: decoder, Later: f.enqueuer, Predictions: registry.SQL(), Committed: count.Wake})
	uploads := upload.New(upload.Options{
		Pool: pool, Gate: gate, Vault: contents, Catalog: pictures, Inspector: inspector, Decoder: decoder,
		Later: f.enqueuer, Committed: count.Wake, ClientKey: []byte("key of the tests"), MaxFileBytes: 1 << 20,
	})
	f.Options = jobs.Options{
		Pool: pool, Vault: contents, Catalog: pictures, Uploads: uploads, Links: gate.Store, Stats: count,
		Resume: resume.New(resume.Options{Pool: pool, Store: f.pieces, Uploads: uploads, MaxFileBytes: 1 << 20, Log: log}),
		Registry: registry.New(registry.Options{
			Pool: pool, Catalog: pictures, Stats: count, Extractor: features.New(nil, nil), Reader: inspector, Later: f.enqueuer, Log: log,
		}),
		Log: log, Registerer: f.registry,
	}

	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start starts workers that stop with the test, or before.
func (f *fixture) start() (stop func()) {
	f.t.Helper()
	w, err := jobs.New(f.Options)
	must(f.t, err)
	must(f.t, w.Start(context.Background()))
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			f.t.Error(err)
		}
	})
	f.t.Cleanup(stop)

	return stop
}

// eventually waits for what happens in the background.
func (f *fixture) eventually(what string, ok func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(limit); !ok(); {
		if time.Now().After(deadline) {
			f.log.Lock()
			defer f.log.Unlock()
			f.t.Fatalf("%s did not happen; the log:\n%s", what, f.log.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ran waits until a job of each kind has ended like that.
func (f *fixture) ran(outcome string, kinds ...string) {
	f.t.Helper()
	for _, kind := range kinds {
		f.eventually(kind+" "+outcome, func() bool { return f.sample("inlet_job_runs_total", kind, outcome) > 0 })
	}
}

// sample is the value of a family's series with these values of its labels; -1
// if there is none.
func (f *fixture) sample(family string, values ...string) float64 {
	f.t.Helper()
	families, err := f.registry.Gather()
	must(f.t, err)
	for _, found := range families {
		for _, m := range found.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() { // sorted by name
				got = append(got, l.GetValue())
			}
			if found.GetName() == family && slices.Equal(got, values) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}

	return -1
}

// count runs a query that gives one number.
func (f *fixture) count(query string, args ...any) (n int) {
	f.t.Helper()
	must(f.t, f.Pool.QueryRow(context.Background(), query, args...).Scan(&n))

	return n
}

func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	_, err := f.Pool.Exec(context.Background(), query, args...)
	must(f.t, err)
}

// jobs counts the jobs of a kind in a state.
func (f *fixture) jobs(kind, state string) int {
	f.t.Helper()

	return f.count(`SELECT count(*) FROM river_job WHERE kind = $1 AND state = $2`, kind, state)
}

// inTx runs fn in a transaction, as the packages do that enqueue jobs.
func (f *fixture) inTx(fn func(ctx context.Context, tx pgx.Tx) error) {
	f.t.Helper()
	ctx := context.Background()
	must(f.t, pgx.BeginFunc(ctx, f.Pool, func(tx pgx.Tx) error { return fn(ctx, tx) }))
}

// keep stores a content that no picture has, written at a time.
func (f *fixture) keep(content string, at time.Time) blob.Key {
	f.t.Helper()
	st, err := f.Vault.Stage(f.t.Context())
	must(f.t, err)
	defer st.Discard()
	_, err = st.Write([]byte(content))
	must(f.t, err)
	must(f.t, f.Vault.Keep(f.t.Context(), st))
	key := blob.ContentKey(st.Sum())
	path, err := key.Path()
	must(f.t, err)
	must(f.t, os.Chtimes(filepath.Join(f.root, "blobs", path), at, at))

	return key
}

func (f *fixture) has(k blob.Key) bool {
	f.t.Helper()
	content, err := f.blobs.Open(context.Background(), k)
	if errors.Is(err, blob.ErrNotFound) {
		return false
	}
	must(f.t, err)
	must(f.t, content.Close())

	return true
}

// send uploads a file through an unlimited link.
func (f *fixture) send(content []byte) upload.Result {
	f.t.Helper()
	from := upload.Sender{
		Grant: link.Grant{ID: "link", ExpiresAt: time.Now().Add(time.Hour)}, Client: netip.MustParseAddr("192.0.2.1"),
	}

	return f.Uploads.Accept(context.Background(), from, "file", bytes.NewReader(content))
}

// stored uploads a new picture from a file of the repository.
func (f *fixture) stored(file string) upload.Result {
	f.t.Helper()
	r := f.send(read(f.t, file))
	if r.Status != upload.Stored {
		f.t.Fatalf("%s: %+v", file, r)
	}

	return r
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(file)))
	must(t, err)

	return b
}

// meeting makes uploads wait for each other between their look-ups and their
// commits.
type meeting struct {
	vault.Blobs
	all  sync.WaitGroup
	here sync.Map // of *blob.Staged
}

func (m *meeting) Keep(ctx context.Context, st *blob.Staged, k blob.Key) error {
	if _, again := m.here.LoadOrStore(st, true); !again {
		m.all.Done()
		m.all.Wait()
	}

	return m.Blobs.Keep(ctx, st, k)
}

// copies stores two copies of one picture at the same moment.
func (f *fixture) copies() (ids [2]uuid.UUID) {
	f.t.Helper()
	m := &meeting{Blobs: f.blobs}
	m.all.Add(len(ids))
	f.Vault.Blobs = m
	defer func() { f.Vault.Blobs = f.blobs }()

	scene, err := jpeg.Decode(bytes.NewReader(read(f.t, "imaging/testdata/scenes/cmyk.jpg")))
	must(f.t, err)
	var wg sync.WaitGroup
	for i, quality := range []int{92, 80} {
		var b bytes.Buffer
		must(f.t, jpeg.Encode(&b, scene, &jpeg.Options{Quality: quality}))
		wg.Go(func() {
			r := f.send(b.Bytes())
			if r.Status != upload.Stored {
				f.t.Errorf("%+v", r)
			}
			ids[i] = r.ID
		})
	}
	wg.Wait()

	return ids
}

// logged is a log that tests can read while it is written.
type logged struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.Lock()
	defer l.Unlock()

	return l.Buffer.Write(b)
}

func (l *logged) contains(s string) bool {
	l.Lock()
	defer l.Unlock()

	return strings.Contains(l.String(), s)
}
