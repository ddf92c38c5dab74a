package upload_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"

	"github.com/google/uuid"

	"inlet/blob"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/upload"
	"inlet/vault"
)

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

// atOnce sends files so that none sees another.
func (f *fixture) atOnce(t testing.TB, files ...[]byte) []upload.Result {
	t.Helper()
	blobs := f.Vault.Blobs
	m := &meeting{Blobs: f.Vault.Blobs}
	m.all.Add(len(files))
	f.Vault.Blobs = m
	results := make([]upload.Result, len(files))
	var wg sync.WaitGroup
	for i, data := range files {
		wg.Go(func() { results[i] = f.send(t, "file", data) })
	}
	wg.Wait()
	f.Vault.Blobs = blobs
	return results
}

// settle does what the jobs do.
func (f *fixture) settle(t testing.TB, jobs *later) {
	t.Helper()
	if err := f.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for len(jobs.pairs) > 0 {
		pair := jobs.pairs[0]
		jobs.pairs = jobs.pairs[1:]
		for range 2 { // a job may run twice
			if err := f.Compare(t.Context(), pair[0], pair[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// counted compares what the events add up to with the rows.
func (f *fixture) counted(t testing.TB) {
	t.Helper()
	for field, query := range map[string]string{
		"images":     `SELECT count(*) FROM images`,
		"bytes":      `SELECT coalesce(sum(bytes), 0)::bigint FROM images`,
		"accepted":   `SELECT count(*) FROM uploads`,
		"stored":     `SELECT count(*) FROM uploads WHERE status = 'stored'`,
		"duplicates": `SELECT count(*) FROM uploads WHERE status = 'duplicate'`,
	} {
		if got, want := f.outboxSum(t, field), f.count(t, query); got != want {
			t.Errorf("%s: the events say %d, the rows %d", field, got, want)
		}
	}
	for name, queries := range map[string][2]string{
		"days": {
			`SELECT coalesce(sum((d->>'stored')::bigint), 0) FROM outbox, jsonb_array_elements(event->'days') d`,
			`SELECT count(*) FROM uploads WHERE status = 'stored'`,
		},
		"jpegs": {
			`SELECT coalesce(sum((event->'formats'->>'jpeg')::bigint), 0) FROM outbox`,
			`SELECT count(*) FROM images WHERE format = 'jpeg'`,
		},
		"cameras": {
			`SELECT coalesce(sum((event->'cameras'->>'Acme One')::bigint), 0) FROM outbox`,
			`SELECT count(*) FROM images WHERE camera = 'Acme One'`,
		},
	} {
		if got, want := f.count(t, queries[0]), f.count(t, queries[1]); got != want {
			t.Errorf("%s: the events say %d, the rows %d", name, got, want)
		}
	}
}

func camera(data []byte) []byte {
	return withExif(data, map[uint16]string{0x010f: "Acme Corp", 0x0110: "Acme One"})
}

func TestMergesWhatWasStoredAtOnce(t *testing.T) {
	t.Parallel()
	jobs := &later{}
	f := setUp(t, func(o *options) { o.Later = jobs })
	m := scene(20, 320, 240)
	copies := [][]byte{asJPEG(m, 92), camera(asJPEG(m, 80)), asPNG(m)}
	results := f.atOnce(t, copies...)
	for _, r := range results {
		if r.Status != upload.Stored {
			t.Fatalf("got %+v", r)
		}
	}
	f.settle(t, jobs)
	if n := f.count(t, `SELECT count(*) FROM images`); n != 1 {
		t.Fatalf("%d pictures are left", n)
	}
	var kept uuid.UUID
	if err := f.pool.QueryRow(t.Context(), `SELECT id FROM images WHERE camera = 'Acme One'`).Scan(&kept); err != nil {
		t.Fatalf("the picture that is kept has no camera: %v", err)
	}
	if n := f.count(t, `SELECT count(*) FROM merges WHERE image_id = $1`, kept); n != 2 {
		t.Errorf("%d ids lead to the picture that is kept", n)
	}
	if n := f.count(t, `SELECT count(*) FROM uploads WHERE image_id = $1`, kept); n != 3 {
		t.Errorf("it has %d uploads", n)
	}
	f.counted(t)
	f.clean(t)
	for _, data := range copies {
		if r := f.send(t, "again", data); r.Status != upload.Duplicate || r.ID != kept {
			t.Errorf("sent again: %+v", r)
		}
	}
	f.counted(t)
}

func TestMergeSparesTheLarger(t *testing.T) {
	t.Parallel()
	jobs := &later{}
	f := setUp(t, func(o *options) { o.Later = jobs })
	m := scene(21, 320, 240)
	r := f.atOnce(t, asJPEG(m, 90), asJPEG(scaled(m, 640, 480), 90))
	if r[0].Status != upload.Stored || r[1].Status != upload.Stored {
		t.Fatalf("got %+v", r)
	}
	f.exec(t, `UPDATE images SET uploaded_at = uploaded_at - interval '1 s' WHERE id = $1`, r[0].ID)
	f.settle(t, jobs)
	for i := range r {
		if near := f.near(t, r[i].ID); len(near) != 1 || near[0] != r[1-i].ID {
			t.Errorf("%s is near to %v", r[i].ID, near)
		}
	}
	f.counted(t)
	f.clean(t)
}

// lateInspector takes PNG for a format that is decoded by a job.
type lateInspector struct{ upload.Inspector }

func (in lateInspector) Inspect(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format) (imaging.Info, error) {
	info, err := in.Inspector.Inspect(ctx, r, size, f)
	if f == imaging.PNG {
		info.Fingerprint, info.Probes = nil, nil
	}
	return info, err
}

func TestFindsCopiesOfWhatIsDecodedLate(t *testing.T) {
	t.Parallel()
	jobs := &later{}
	inspector := imaging.NewInspector(1e6, 64<<20)
	f := setUp(t, func(o *options) { o.Later, o.Inspector = jobs, lateInspector{inspector} })
	m := scene(22, 320, 240)
	data := asPNG(m)
	first := f.send(t, "late", data)
	second := f.send(t, "jpeg", asJPEG(m, 90))
	if second.Status != upload.Stored {
		t.Fatalf("got %+v", second)
	}
	p, err := inspector.Picture(t.Context(), bytes.NewReader(data), int64(len(data)), imaging.PNG, imaging.Want{Side: fingerprint.Side})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Decoded(t.Context(), first.ID, p); err != nil {
		t.Fatal(err)
	}
	f.settle(t, jobs)
	if n := f.count(t, `SELECT count(*) FROM merges WHERE id = $1 AND image_id = $2`, second.ID, first.ID); n != 1 {
		t.Error("the later one is not merged into the earlier one")
	}
	f.counted(t)
	f.clean(t)
}
