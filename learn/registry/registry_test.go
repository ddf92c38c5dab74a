package registry_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db/dbtest"
	"inlet/db/redisdb"
	"inlet/learn/features"
	"inlet/learn/registry"
	"inlet/stats"
)

// fixture is a registry on a database of its own, with pictures that consist of
// their features.
type fixture struct {
	*registry.Service
	t       *testing.T
	options registry.Options
	later   *later
	made    int
}

// later notes what is enqueued.
type later struct {
	mu       sync.Mutex
	requests []registry.Request
	features []registry.ID
	predict  []catalog.Version
}

func (l *later) Train(_ context.Context, r registry.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r)
	return nil
}

func (l *later) PredictAll(_ context.Context, _ pgx.Tx, version catalog.Version) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.predict = append(l.predict, version)
	return nil
}

func (l *later) Features(_ context.Context, ids []registry.ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.features = append(l.features, ids...)
	return nil
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	pool := dbtest.Pool(t)
	rdb, err := redisdb.Open("unix://"+t.TempDir()+"/no-redis", redisdb.Options{})
	must(t, err)
	t.Cleanup(func() { rdb.Close() })

	f := &fixture{t: t, later: &later{}}
	f.options = registry.Options{
		Pool:      pool,
		Catalog:   catalog.New(catalog.Options{Pool: pool, Predictions: registry.SQL()}),
		Stats:     stats.New(stats.Options{Pool: pool, Redis: rdb, Truth: catalog.Counts{}}),
		Extractor: features.New(nil, nil),
		Later:     f.later,
	}
	f.Service = registry.New(f.options)

	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	_, err := f.Pool.Exec(f.t.Context(), query, args...)
	must(f.t, err)
}

func (f *fixture) number(query string, args ...any) (n int) {
	f.t.Helper()
	must(f.t, f.Pool.QueryRow(f.t.Context(), query, args...).Scan(&n))
	return n
}

// picture stores a picture of a kind, with features that tell the kinds apart, and
// sent long after the one before. Another extractor's features do not count.
func (f *fixture) picture(kind int, labels ...string) uuid.UUID {
	f.t.Helper()
	f.made++
	id := uuid.Must(uuid.NewV7())
	at := time.Date(2026, 1, 1, 0, f.made, 0, 0, time.UTC)
	sum := make([]byte, 32)
	copy(sum, id[:])
	f.exec(`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at) VALUES ($1, $2, 'jpeg', 9, 9, 9, $3)`, id, sum, at)
	f.exec(`INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) VALUES ($2, $1, 'l', 'stored', 9, '\x01')`, id, at)
	f.features(id, kind)
	if len(labels) > 0 {
		_, err := f.Catalog.SetLabels(f.t.Context(), id, labels)
		must(f.t, err)
	}

	return id
}

func (f *fixture) features(id uuid.UUID, kind int) {
	f.t.Helper()
	random := rand.New(rand.NewPCG(uint64(f.made), 7))
	v := make([]int8, f.Extractor.Dims())
	for i := range v {
		v[i] = int8(random.IntN(41) - 20)
		if i%5 == kind {
			v[i] += 30
		}
	}
	f.exec(`INSERT INTO features (image_id, extractor, vector) VALUES ($1, $2, $3)`, id, f.Extractor.Version(),
		unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)))
}

// train runs a training as a worker does, and returns how it ended.
func (f *fixture) train() registry.Training {
	f.t.Helper()
	_, err := f.RequestTraining(f.t.Context())
	must(f.t, err)
	must(f.t, f.Train(f.t.Context(), f.later.requests[len(f.later.requests)-1]))
	ended, err := f.Training(f.t.Context())
	must(f.t, err)
	if ended.Request != nil || ended.EndedAt == nil {
		f.t.Fatalf("the training has not ended: %+v", ended)
	}

	return ended
}

func (f *fixture) predictAll() {
	f.t.Helper()
	version := catalog.Version(f.number(`SELECT version FROM models WHERE serving`))
	if _, more, err := f.PredictAll(f.t.Context(), version, uuid.Max, time.Minute); err != nil || more {
		f.t.Errorf("pictures are left: %v, %v", more, err)
	}
}

// labelled stores pictures of two kinds with their labels.
func (f *fixture) labelled(each int) (cats, dogs []uuid.UUID) {
	for range each {
		cats, dogs = append(cats, f.picture(0, "cat")), append(dogs, f.picture(1, "dog"))
	}

	return cats, dogs
}

func (f *fixture) predictions(id uuid.UUID) []catalog.Prediction {
	f.t.Helper()
	doc, err := f.Catalog.Metadata(f.t.Context(), id)
	must(f.t, err)
	return doc.Predictions
}

func TestLearn(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.labelled(20)
	cat, dog := f.picture(0), f.picture(1)
	ended := f.train()
	models, err := f.Models(t.Context())
	must(t, err)
	if len(models) != 1 || !models[0].Serving || !models[0].Promoted || models[0].Images != 40 || models[0].Metrics.Accuracy < 0.9 {
		t.Fatalf("%+v, %s", models, ended.Outcome)
	}
	if !slices.Equal(f.later.predict, []catalog.Version{1}) {
		t.Errorf("predictions were enqueued for %v", f.later.predict)
	}
	if changed, err := f.LabelsChanged(t.Context(), ended); changed != 0 || err != nil {
		t.Errorf("%d labels changed, %v", changed, err)
	}

	f.predictAll()
	for id, want := range map[uuid.UUID]string{cat: "cat", dog: "dog"} {
		if got := f.predictions(id); len(got) == 0 || got[0].Label != want || got[0].Model != models[0].Version || got[0].Probability < 0.5 {
			t.Errorf("%s: %+v", want, got)
		}
	}
	if p, err := f.Progress(t.Context()); err != nil || p != (registry.Progress{Done: 42, Total: 42}) {
		t.Errorf("%+v, %v", p, err)
	}
	f.predictAll() // nothing is left to do

	got, err := f.Accept(t.Context(), cat, "")
	if err != nil || !slices.Equal(got, []string{"cat"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err = f.Accept(t.Context(), dog, "wolf"); err != nil || !slices.Equal(got, []string{"wolf"}) {
		t.Errorf("%v, %v", got, err)
	}
	if changed, err := f.LabelsChanged(t.Context(), ended); changed != 2 || err != nil {
		t.Errorf("%d labels changed, %v", changed, err)
	}
	if _, err := f.Accept(t.Context(), f.picture(0), ""); !errors.Is(err, registry.ErrNoPrediction) {
		t.Errorf("a picture without predictions: %v", err)
	}
}

// A picture that resembles a labelled one must not be predicted by weights that
// learnt that one's label.
func TestNearIsNotPredictedFromItself(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	cats, _ := f.labelled(20)
	// A cat that the operator takes for a dog, and a near-duplicate of it.
	odd := f.picture(0, "dog")
	near := f.picture(0)
	f.exec(`INSERT INTO near (image_id, other_id, distance) VALUES ($1, $2, 3), ($2, $1, 3)`, odd, near)
	f.train()
	f.predictAll()
	for _, id := range []uuid.UUID{odd, near, cats[0]} {
		if got := f.predictions(id); got[0].Label != "cat" {
			t.Errorf("%+v", got)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.labelled(15)
	cat := f.picture(0)
	f.picture(1)
	f.train()
	f.predictAll()

	no := false
	for name, c := range map[string]struct {
		filter catalog.Filter
		want   int
	}{
		"predicted":     {catalog.Filter{Predicted: "cat"}, 16},
		"unlabelled":    {catalog.Filter{Labelled: &no}, 2},
		"both":          {catalog.Filter{Predicted: "cat", Labelled: &no}, 1},
		"sure":          {catalog.Filter{Predicted: "cat", MinProbability: 0.6, Labelled: &no}, 1},
		"unknown label": {catalog.Filter{Predicted: "wolf"}, 0},
	} {
		docs, _, err := f.Catalog.List(t.Context(), c.filter, 100, "")
		if err != nil || len(docs) != c.want || name == "both" && docs[0].ID != cat {
			t.Errorf("%s: %d pictures, want %d; %v", name, len(docs), c.want, err)
		}
	}

	next, err := f.Next(t.Context(), catalog.Filter{}, 10)
	if err != nil || len(next) != 2 {
		t.Errorf("%d pictures come next, %v", len(next), err)
	}
}

// Without a model the newest come, and those that differ.
func TestNextWithoutAModel(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.picture(0, "done")
	for kind := range 4 {
		for range 5 {
			f.picture(kind)
		}
	}
	next, err := f.Next(t.Context(), catalog.Filter{}, 4)
	if err != nil || len(next) != 4 {
		t.Fatalf("%d pictures, %v", len(next), err)
	}
	kinds := map[int]bool{}
	for _, doc := range next {
		v, err := f.Vectors(t.Context(), []uuid.UUID{doc.ID})
		must(t, err)
		best, most := 0, -1
		for kind := range 4 {
			sum := 0
			for i := kind; i < len(v[doc.ID]); i += 5 {
				sum += int(v[doc.ID][i])
			}
			if sum > most {
				best, most = kind, sum
			}
		}
		kinds[best] = true
	}
	if len(kinds) < 3 {
		t.Errorf("only %d of 4 kinds", len(kinds))
	}
}

func TestPromoteByHand(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.labelled(12)
	f.train()
	f.train()
	if _, err := f.Promote(t.Context(), 99); !errors.Is(err, registry.ErrNoModel) {
		t.Errorf("an unknown model: %v", err)
	}
	for _, version := range []catalog.Version{2, 1, 1, 2} {
		m, err := f.Promote(t.Context(), version)
		if err != nil || !m.Serving || f.number(`SELECT version FROM models WHERE serving`) != int(version) {
			t.Errorf("%s: %+v, %v", version, m, err)
		}
	}
	f.exec(`UPDATE models SET extractor = 'another' WHERE version = 1`)
	if _, err := f.Promote(t.Context(), 1); !errors.Is(err, registry.ErrExtractor) {
		t.Errorf("features of another version: %v", err)
	}
	f.predictAll()
	if got := f.number(`SELECT count(DISTINCT model) * 100 + max(model) FROM predictions`); got != 102 {
		t.Errorf("predictions of %d models", got)
	}
}

func TestBackfill(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	now := time.Now()
	f.options.Now = func() time.Time { return now }
	f.Service = registry.New(f.options)
	var want []uuid.UUID
	for range 3 {
		f.picture(0)
		want = append(want, f.picture(0))
	}
	f.exec(`DELETE FROM features WHERE image_id = $1`, want[0])
	f.exec(`UPDATE features SET extractor = 'hand0' WHERE image_id = $1`, want[1])
	f.exec(`UPDATE features SET vector = NULL WHERE image_id = $1`, want[2]) // cannot be decoded
	n, err := f.Backfill(t.Context(), 100)
	if err != nil || n != 2 || !slices.Equal(f.later.features, []uuid.UUID{want[1], want[0]}) {
		t.Errorf("%d, %v, %v", n, err, f.later.features)
	}
	if n, err = f.Backfill(t.Context(), 100); err != nil || n != 0 {
		t.Errorf("once more: %d, %v", n, err)
	}
	now = now.Add(25 * time.Hour) // the jobs were lost
	if n, err = f.Backfill(t.Context(), 100); err != nil || n != 2 {
		t.Errorf("a day later: %d, %v", n, err)
	}
	// Processes of a better version are at it.
	f.exec(`UPDATE backfill SET extractor = 'hand1+mobile1', ended_at = NULL, before = NULL`)
	if n, err = f.Backfill(t.Context(), 100); err != nil || n != 0 {
		t.Errorf("in the place of better processes: %d, %v", n, err)
	}
}

// A job that read a model before another one was promoted must not write its
// predictions afterwards.
func TestPredictionsOfADemotedModel(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.labelled(10)
	f.train()
	f.train()
	_, err := f.Promote(t.Context(), 2)
	must(t, err)
	id := f.picture(0)
	f.predictAll()
	for _, version := range []catalog.Version{1, 3} {
		if _, more, err := f.PredictAll(t.Context(), version, uuid.Max, time.Minute); err != nil || more {
			t.Errorf("%s: %v, %v", version, more, err)
		}
	}
	if got := f.predictions(id); got[0].Model != 2 {
		t.Errorf("%+v", got)
	}
}

// eventually waits for what another goroutine does.
func (f *fixture) eventually(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("%s: in vain", what)
		}
	}
}

// Pictures are deleted and merged while a model predicts for them.
func TestPredictWhileDeleted(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	cats, _ := f.labelled(10)
	f.train()
	tx, err := f.Pool.Begin(t.Context())
	must(t, err)
	defer tx.Rollback(context.Background())
	_, err = tx.Exec(t.Context(), `DELETE FROM images WHERE id = $1`, cats[0])
	must(t, err)
	done := make(chan error)
	go func() {
		_, _, err := f.PredictAll(t.Context(), 1, uuid.Max, time.Minute)
		done <- err
	}()
	f.eventually("it waits for the deletion", func() bool {
		return f.number(`SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`) > 0
	})
	must(t, tx.Commit(t.Context()))
	must(t, <-done)
	if n := f.number(`SELECT count(*) FROM predictions WHERE rank = 1`); n != 19 {
		t.Errorf("%d predictions", n)
	}
	rows, err := f.Pool.Query(t.Context(), `SELECT image_id FROM predictions WHERE image_id = $1`, cats[0])
	must(t, err)
	if left, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}
