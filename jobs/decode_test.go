package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db/dbtest"
	"inlet/imaging/fingerprint"
	"inlet/imaging/heif"
	"inlet/jobs"
)

// decoder gives workers, not started yet, and a way to enqueue decodings.
func decoder(t *testing.T, p *parts) (_ *jobs.Workers, pool *pgxpool.Pool, enqueue func(uuid.UUID)) {
	t.Helper()
	pool, log := dbtest.Pool(t), slog.New(slog.DiscardHandler)
	w, err := jobs.New(jobs.Options{
		Pool: pool, Orphans: p, Lookalikes: p, Pictures: p, Links: p, Counters: p, Sessions: p, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	enqueuer, err := jobs.NewEnqueuer(pool, log)
	if err != nil {
		t.Fatal(err)
	}
	return w, pool, func(id uuid.UUID) {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return enqueuer.Decode(t.Context(), tx, id) })
		if err != nil {
			t.Error(err)
		}
	}
}

func running(t *testing.T, w *jobs.Workers) {
	t.Helper()
	if err := w.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestDecodesWhatIsEnqueued(t *testing.T) {
	t.Parallel()
	p := newParts()
	p.picture = &fingerprint.Picture{}
	w, pool, enqueue := decoder(t, p)
	id := uuid.New()
	for range 3 { // once
		enqueue(id)
	}
	count := func(state string) (n int) {
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'decode' AND state = $1`, state).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count("available"); n != 1 {
		t.Errorf("%d jobs for one picture", n)
	}
	running(t, w)
	if got := receive(t, p.known, "the decoding"); got != id {
		t.Errorf("decoded %v, want %v", got, id)
	}
	eventually(t, "the end of the job", func() bool { return count("completed") == 1 })
	enqueue(id) // again, as its variants may have been lost
	receive(t, p.known, "the second decoding")
}

// What has nothing to compare is decoded, and that is all.
func TestDecodedWithoutALook(t *testing.T) {
	t.Parallel()
	p := newParts()
	w, _, enqueue := decoder(t, p)
	running(t, w)
	enqueue(uuid.New())
	receive(t, p.decoded, "the decoding")
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if len(p.known) > 0 || len(p.givenUp) > 0 {
		t.Error("something was made of nothing")
	}
}

// A picture that takes too long is tried again, and in the end given up.
func TestSlowPicturesAreGivenUp(t *testing.T) {
	t.Parallel()
	p := newParts()
	p.fail = fmt.Errorf("%w: it was given a minute", heif.ErrSlow)
	w, pool, enqueue := decoder(t, p)
	id := uuid.New()
	enqueue(id)
	if _, err := pool.Exec(t.Context(), `UPDATE river_job SET attempt = max_attempts - 2 WHERE kind = 'decode'`); err != nil {
		t.Fatal(err)
	}
	running(t, w)
	receive(t, p.decoded, "the last attempt but one")
	if got := receive(t, p.givenUp, "the end"); got != id {
		t.Errorf("given up %v, want %v", got, id)
	}
}
