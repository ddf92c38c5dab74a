package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/blob"
	"inlet/blob/s3/s3test"
	"inlet/catalog"
	"inlet/imaging"
	"inlet/link"
	"inlet/problem"
	"inlet/upload"
)

// each runs fn for 0 to n-1 at once.
func each(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// The same pictures sent by many clients at once, in copies that differ in
// their metadata, are kept once and counted exactly.
func TestManyClientsOnePicture(t *testing.T) {
	t.Parallel()
	const clients, pictures = 20, 8
	f := setUp(t, func(o *options) { o.Queue = clients * pictures })
	each(clients, func(c int) {
		for p := range pictures {
			data := pngOf(100 + (p+c)%pictures)
			if c%4 == 3 {
				data = withComment(data, fmt.Sprint("client ", c))
			}
			if r := f.send(t, "x.png", data); r.Err != nil {
				t.Errorf("client %d: %v", c, r.Err)
			}
		}
	})
	if n := f.count(t, `SELECT count(*) FROM images`); n != pictures {
		t.Errorf("%d images, want %d", n, pictures)
	}
	if n := f.count(t, `SELECT count(*) FROM uploads WHERE status = 'stored'`); n != pictures {
		t.Errorf("%d uploads that stored, want %d", n, pictures)
	}
	for field, want := range map[string]int{"accepted": clients * pictures, "stored": pictures, "images": pictures} {
		if got := f.outboxSum(t, field); got != want {
			t.Errorf("events: %s is %d, want %d", field, got, want)
		}
	}
	f.clean(t)
}

// Of equal files that arrive together one is looked into.
func TestEqualFilesAtOnce(t *testing.T) {
	t.Parallel()
	inspector := &counting{}
	f := setUp(t, func(o *options) { inspector.Inspector, o.Inspector = o.Inspector, inspector })
	data := pngOf(150)
	each(30, func(int) {
		if r := f.send(t, "x.png", data); r.Err != nil {
			t.Error(r.Err)
		}
	})
	if n := inspector.n.Load(); n != 1 {
		t.Errorf("looked into %d files, want 1", n)
	}
	// When the first one is refused the others are looked into, each for itself.
	each(5, func(int) {
		if r := f.send(t, "x.png", data[:len(data)-9]); !errors.Is(r.Err, imaging.ErrUndecodable) {
			t.Errorf("got %+v", r)
		}
	})
	f.clean(t)
}

func TestLimitsAreExact(t *testing.T) {
	t.Parallel()
	const size = 1200
	cases := []struct {
		name  string
		grant link.Grant
		want  int
	}{
		{"files", link.Grant{ID: "files", MaxFiles: 7}, 7},
		{"bytes", link.Grant{ID: "bytes", MaxBytes: 5*size + size/2}, 5},
		{"both", link.Grant{ID: "both", MaxFiles: 3, MaxBytes: 10 * size}, 3},
		{"less than a file", link.Grant{ID: "small", MaxBytes: size - 1}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			each(20, func(i int) {
				// Half of them send what others have sent before: copies count too.
				r := f.Accept(t.Context(), sender(c.grant), "x", bytes.NewReader(ofSize(200+i/2, size)))
				if r.Err != nil && !errors.Is(r.Err, link.ErrExhausted) {
					t.Errorf("got %v", r.Err)
				}
			})
			if n := f.count(t, `SELECT count(*) FROM uploads`); n != c.want {
				t.Errorf("%d accepted, want %d", n, c.want)
			}
			if n := f.count(t, `SELECT coalesce(sum(files), 0) FROM link_usage`); n != c.want {
				t.Errorf("%d files spent, want %d", n, c.want)
			}
			f.clean(t)
		})
	}
}

// ofSize is a picture of just size bytes.
func ofSize(seed, size int) []byte {
	data := pngOf(seed)
	const overhead = 20 // of the chunk
	return withComment(data, strings.Repeat("x", size-len(data)-overhead))
}

func TestUnlimitedLinksShareNoRow(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.send(t, "a", pngOf(300))
	// Somebody holds the link's row: uploads that touched it would wait.
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), `SELECT 1 FROM links FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	if r := f.send(t, "b", pngOf(301)); r.Status != upload.Stored {
		t.Errorf("got %+v", r)
	}
	if n := f.count(t, `SELECT count(*) FROM link_usage`); n != 0 {
		t.Errorf("%d rows of usage for a link without limits", n)
	}
}

// Uploads and deletions of the same bytes: in the end every row has its blob
// and every blob its row.
func TestDeletionRacesUpload(t *testing.T) {
	t.Parallel()
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		deletionRacesUpload(t, setUp(t))
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		server := s3test.Start(t)
		deletionRacesUpload(t, setUpOn(t, server.Open(server.Bucket())))
	})
}

func deletionRacesUpload(t *testing.T, f *fixture) {
	g := f.catalog(f.blobs)
	each(8, func(c int) {
		for i := range 12 {
			r := f.send(t, "x", pngOf(400+i%2))
			switch {
			case errors.Is(r.Err, upload.ErrOverloaded):
				continue // it lost every time, and may come again
			case r.Err != nil:
				t.Errorf("upload: %v", r.Err)
			}
			if c%2 == 0 {
				if err := g.Delete(t.Context(), r.ID); err != nil && !errors.Is(err, catalog.ErrNotFound) {
					t.Errorf("delete: %v", err)
				}
			}
		}
	})
	f.clean(t)
	for field, query := range map[string]string{
		"accepted": `SELECT count(*) FROM uploads`,
		"images":   `SELECT count(*) FROM images`,
	} {
		if got, want := f.outboxSum(t, field), f.count(t, query); got != want {
			t.Errorf("events: %s is %d, rows say %d", field, got, want)
		}
	}
}

// forgetful loses the blob once between its being kept and the commit, as a
// deletion on another replica does.
type forgetful struct {
	*blob.Files
	once sync.Once
}

func (f *forgetful) Keep(ctx context.Context, st *blob.Staged, k blob.Key) error {
	err := f.Files.Keep(ctx, st, k)
	f.once.Do(func() { err = errors.Join(err, f.Delete(ctx, k)) })
	return err
}

func TestBlobIsKeptAgain(t *testing.T) {
	t.Parallel()
	f := setUp(t, func(o *options) { o.Blobs = &forgetful{Files: o.Blobs.(*blob.Files)} })
	if r := f.send(t, "x", pngOf(500)); r.Status != upload.Stored {
		t.Fatalf("got %+v", r)
	}
	f.clean(t)
}

// broken fails at one operation.
type broken struct {
	*blob.Files
	stage, keep bool
}

func (b *broken) Stage(ctx context.Context) (*blob.Staged, error) {
	if b.stage {
		return nil, blob.ErrUnavailable
	}
	return b.Files.Stage(ctx)
}

func (b *broken) Keep(ctx context.Context, st *blob.Staged, k blob.Key) error {
	if b.keep {
		return blob.ErrUnavailable
	}
	return b.Files.Keep(ctx, st, k)
}

func TestStoresAway(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*testing.T, *options)
	}{
		{"staging", func(_ *testing.T, o *options) { o.Blobs = &broken{Files: o.Blobs.(*blob.Files), stage: true} }},
		{"blobs", func(_ *testing.T, o *options) { o.Blobs = &broken{Files: o.Blobs.(*blob.Files), keep: true} }},
		{"database", func(_ *testing.T, o *options) { o.Pool = closedPool(o.Pool) }},
		{"database hangs", func(t *testing.T, o *options) {
			o.StoreWait = 50 * time.Millisecond
			lockImages(t, o.Pool)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t, func(o *options) { c.change(t, o) })
			r := f.send(t, "x", pngOf(600))
			if r.Status != upload.Rejected || problem.CodeOf(r.Err) != problem.Unavailable {
				t.Errorf("got %+v", r)
			}
			if left := f.files(t, "staging"); len(left) > 0 {
				t.Errorf("left in staging: %v", left)
			}
		})
	}
}

func closedPool(p *pgxpool.Pool) *pgxpool.Pool {
	closed, err := pgxpool.NewWithConfig(context.Background(), p.Config())
	if err != nil {
		panic(err)
	}
	closed.Close()
	return closed
}

// lockImages makes every reader of images wait until the test ends.
func lockImages(t *testing.T, p *pgxpool.Pool) {
	t.Helper()
	conn, err := pgx.ConnectConfig(context.Background(), p.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(context.Background(), `BEGIN; LOCK TABLE images`); err != nil {
		t.Fatal(err)
	}
}

// stuck inspects nothing until it is let go.
type stuck struct {
	upload.Inspector
	entered chan struct{}
	release chan struct{}
}

func (s *stuck) Inspect(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format) (imaging.Info, error) {
	s.entered <- struct{}{}
	<-s.release
	return s.Inspector.Inspect(ctx, r, size, f)
}

func TestOverloaded(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*options)
	}{
		{"the wait is too long", func(o *options) { o.QueueWait = time.Millisecond }},
		{"the queue is full", func(o *options) { o.Queue = -1 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &stuck{entered: make(chan struct{}, 2), release: make(chan struct{})}
			f := setUp(t, func(o *options) {
				o.Slots, s.Inspector, o.Inspector = 1, o.Inspector, s
				c.change(o)
			})
			var first upload.Result
			done := make(chan struct{})
			go func() {
				first = f.send(t, "first", pngOf(700))
				close(done)
			}()
			<-s.entered
			r := f.send(t, "second", pngOf(701))
			if !errors.Is(r.Err, upload.ErrOverloaded) {
				t.Errorf("got %+v", r)
			}
			close(s.release)
			<-done
			if first.Status != upload.Stored {
				t.Errorf("the one that had the place: %+v", first)
			}
		})
	}
}

func TestSenderGone(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := f.Accept(ctx, sender(link.Grant{ID: "link"}), "x", bytes.NewReader(pngOf(800)))
	if r.Status != upload.Rejected {
		t.Errorf("got %+v", r)
	}
	f.clean(t)
}
