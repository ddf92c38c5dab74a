package stats

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"inlet/embedded/redistest"
	"inlet/link"
)

// Files are uploaded and deleted by several at once while two services count,
// and Redis is flushed, killed, emptied and set back, drains die and rebuilds
// run. In the end Redis and a recount in SQL agree in every number.
func TestStorm(t *testing.T) {
	t.Parallel()
	redistest.EachServer(t, func(t *testing.T, server *redistest.Server) {
		w := newWorld(t, server.URL)
		one, two := w.running(), w.running()
		progress := make(chan struct{}, 1)
		var writers errgroup.Group
		for seed := range 4 {
			writers.Go(func() error {
				w.write(rand.New(rand.NewPCG(1, uint64(seed))), 250, func() {
					one.Wake()
					offer(progress, struct{}{})
				})
				return nil
			})
		}
		stop, stopped := make(chan struct{}), make(chan int)
		go func() { stopped <- w.sabotage(server, one, two, progress, stop) }()
		_ = writers.Wait()
		close(stop)
		t.Logf("%d faults", <-stopped)

		w.eventually(func() string { return w.difference(two, false) })
		epoch := w.currentEpoch()
		w.must(one.rebuild(t.Context(), false)) // compares exactly, under the lock
		if got := w.currentEpoch(); got != epoch {
			t.Error("the counters agreed, but had to be built anew")
		}
		w.must(one.Rebuild(t.Context()))
		w.mustEqualSQL(one)
		if n := w.outbox(); n != 0 {
			t.Errorf("%d events are left", n)
		}
	})
}

// write makes n changes.
func (w *world) write(r *rand.Rand, n int, done func()) {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	var stored []uuid.UUID
	for range n {
		f := file{
			format: pick("jpeg", "png", "heic"),
			camera: pick("", "Canon EOS 40D", "canon eos 40d", "NIKON D70", "Pixel 8", "Ångström Ä1"),
			link:   link.ID(pick("L1", "L2", "L3")),
			client: byte(r.IntN(5)),
			bytes:  1 + r.Int64N(5_000_000),
			at:     w.clock.Now().Add(-time.Duration(r.IntN(45*24)) * time.Hour),
			flags:  [][]string{nil, {"dark"}, {"blurry", "small"}}[r.IntN(3)],
		}
		switch r.IntN(3) { // most are recent
		case 0:
			f.at = w.clock.Now().Add(-time.Duration(r.IntN(180)) * time.Minute)
		case 1:
			f.at = w.clock.Now().Add(-time.Duration(r.IntN(8*24*60)) * time.Minute)
		}
		switch k := r.IntN(100); {
		case k < 50 || len(stored) == 0:
			stored = append(stored, w.store(f))
		case k < 75:
			w.duplicate(stored[r.IntN(len(stored))], f)
		case k < 80:
			w.refuseAt(f.at, 1+r.Int64N(3))
		default:
			w.erase(stored[r.IntN(len(stored))])
		}
		done()
	}
}

// sabotage does its worst, a little after every bit of progress.
func (w *world) sabotage(server *redistest.Server, one, two *Service, progress, stop <-chan struct{}) int {
	ctx := context.Background()
	faults := []func(){
		func() { _ = one.died(ctx) },
		server.Save,
		func() {
			var both sync.WaitGroup
			for _, s := range []*Service{one, two} {
				both.Go(func() { _ = s.Rebuild(ctx) })
			}
			both.Wait()
		},
		func() { _ = two.died(ctx) },
		server.Flush,
		server.RestartSaved,
		func() { _ = one.died(ctx) },
		func() {
			server.Stop()
			select {
			case <-progress:
			case <-stop:
			}
			server.Restart()
		},
		server.Save,
		func() { w.clock.set(w.clock.Now().Add(7 * time.Minute)) },
		func() { _ = two.Rebuild(ctx) },
		server.RestartSaved,
		func() { w.clock.set(w.clock.Now().Add(61 * time.Minute)) },
	}
	for n := 0; ; n++ {
		for range 15 {
			select {
			case <-stop:
				return n
			case <-progress:
			}
		}
		faults[n%len(faults)]()
	}
}

var errDied = errors.New("the process died")

// died drains until just before the commit.
func (s *Service) died(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		epoch, rows, err := s.take(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.apply(ctx, epoch, rows); err != nil {
			return err
		}
		return errDied
	})
	if errors.Is(err, errDied) {
		return nil
	}
	return err
}
