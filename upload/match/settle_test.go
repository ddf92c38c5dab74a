package match

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db/dbtest"
)

func settled(t testing.TB, pool *pgxpool.Pool) (pairs []Pair) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		pairs, err = Settle(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

// sender stores a picture in three steps, in a transaction of its own.
type sender struct {
	pool    *pgxpool.Pool
	picture picture
	id      uuid.UUID
	tx      pgx.Tx
	seen    Seen
	found   []Candidate
	steps   []func(t *testing.T)
}

func newSender(t *testing.T, pool *pgxpool.Pool, p picture) *sender {
	s := &sender{pool: pool, picture: p, id: newID(t)}
	s.steps = []func(t *testing.T){s.lookUp, s.write, s.commit}
	return s
}

func (s *sender) next(t *testing.T) {
	s.steps[0](t)
	s.steps = s.steps[1:]
}

func (s *sender) lookUp(t *testing.T) {
	s.found, s.seen = lookUp(t, s.pool, "", s.picture)
}

func (s *sender) write(t *testing.T) {
	var err error
	if s.tx, err = s.pool.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := write(t, s.tx, s.id, "", s.picture, s.seen); err != nil {
		t.Fatal(err)
	}
}

func (s *sender) commit(t *testing.T) {
	if err := s.tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// orders are all ways to put a's and b's into a row.
func orders(a, b int) []string {
	if a == 0 && b == 0 {
		return []string{""}
	}
	var all []string
	if a > 0 {
		for _, rest := range orders(a-1, b) {
			all = append(all, "a"+rest)
		}
	}
	if b > 0 {
		for _, rest := range orders(a, b-1) {
			all = append(all, "b"+rest)
		}
	}
	return all
}

// TestNoPairIsMissed has two copies stored in every order of their steps, with a
// call of Settle at every place between them.
func TestNoPairIsMissed(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	picture := uint64(0)
	for _, order := range orders(3, 3) {
		for at := range len(order) + 1 {
			picture++
			a, b := newSender(t, pool, drawn(t, picture, 0)), newSender(t, pool, drawn(t, picture, 4))
			var pairs []Pair
			for i, who := range order + "." {
				if i == at {
					pairs = append(pairs, settled(t, pool)...)
				}
				switch who {
				case 'a':
					a.next(t)
				case 'b':
					b.next(t)
				}
			}
			pairs = append(pairs, settled(t, pool)...)
			looked := len(a.found)+len(b.found) > 0
			want := pairOf(a.id, b.id, a.picture.fingerprint.Hash.Distance(b.picture.fingerprint.Hash))
			if !looked && !slices.Equal(pairs, []Pair{want}) || looked && len(pairs) > 1 {
				t.Errorf("%s, settled at %d: candidates %d and %d, pairs %v, want %v", order, at, len(a.found), len(b.found), pairs, want)
			}
		}
	}
}

// TestSettleIsUndone has a transaction that settles rolled back, and another
// settle at the same time.
func TestSettleIsUndone(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	seen := fresh(t, pool)
	a, b := newID(t), newID(t)
	for _, id := range []uuid.UUID{a, b} {
		if err := write(t, pool, id, "", drawn(t, 1, 0), seen); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if pairs, err := Settle(t.Context(), tx); err != nil || len(pairs) != 1 {
		t.Errorf("pairs %v, %v", pairs, err)
	}
	if pairs := settled(t, pool); len(pairs) != 0 {
		t.Errorf("another settles at the same time: %v", pairs)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pairs := settled(t, pool); len(pairs) != 1 {
		t.Errorf("after it was undone: %v", pairs)
	}
	if pairs := settled(t, pool); len(pairs) != 0 {
		t.Errorf("again: %v", pairs)
	}
}

// TestStorm has copies of one picture stored by many at once, while others settle.
func TestStorm(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	const senders, each = 8, 3 // fewer than MaxCandidates together
	var (
		mu      sync.Mutex
		ids     []uuid.UUID
		known   = map[[2]uuid.UUID]bool{}
		sending sync.WaitGroup
		settler sync.WaitGroup
		done    = make(chan struct{})
	)
	note := func(a, b uuid.UUID) {
		p := pairOf(a, b, 0)
		known[[2]uuid.UUID{p.First, p.Second}] = true
	}
	settleOnce := func() {
		pairs := settled(t, pool)
		mu.Lock()
		defer mu.Unlock()
		for _, p := range pairs {
			note(p.First, p.Second)
		}
	}
	for range 2 {
		settler.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					settleOnce()
				}
			}
		})
	}
	for i := range senders {
		sending.Go(func() {
			for range each {
				s := newSender(t, pool, drawn(t, 1, float64(i)/2))
				for range 3 {
					s.next(t)
				}
				mu.Lock()
				ids = append(ids, s.id)
				for _, c := range s.found {
					note(s.id, c.ID)
				}
				mu.Unlock()
			}
		})
	}
	sending.Wait()
	close(done)
	settler.Wait()
	settleOnce()
	if want := len(ids) * (len(ids) - 1) / 2; len(known) != want {
		t.Errorf("%d of %d pairs are known", len(known), want)
	}
}

// TestSettleChoosesTheNearest has more copies than are given for one picture.
func TestSettleChoosesTheNearest(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	const crowd = 3 * MaxCandidates
	seen := fresh(t, pool)
	var b pgx.Batch
	for range crowd {
		id, p := newID(t), drawn(t, 1, 0)
		queueImage(&b, id, "")
		Queue(&b, id, "", p.fingerprint, p.probes, seen)
	}
	if err := pool.SendBatch(t.Context(), &b).Close(); err != nil {
		t.Fatal(err)
	}
	pairs := settled(t, pool)
	if len(pairs) < crowd*MaxCandidates/2 || len(pairs) > crowd*MaxCandidates {
		t.Errorf("%d pairs", len(pairs))
	}
	of := map[uuid.UUID]int{}
	for _, p := range pairs {
		of[p.First]++
		of[p.Second]++
	}
	if len(of) != crowd {
		t.Errorf("%d of %d pictures are in a pair", len(of), crowd)
	}
}

func TestRecentIsPurged(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	ids := make([]uuid.UUID, 3)
	for i := range ids {
		ids[i] = store(t, pool, "", drawn(t, uint64(i), 0))
	}
	settled(t, pool)
	for i, age := range []int{11, 9} {
		age := fmt.Sprintf("%d minutes", age)
		if _, err := pool.Exec(t.Context(), `UPDATE recent SET at = at - $2::interval WHERE image_id = $1`, ids[i], age); err != nil {
			t.Fatal(err)
		}
	}
	settled(t, pool)
	rows, err := pool.Query(t.Context(), `SELECT image_id FROM recent ORDER BY image_id`)
	if err != nil {
		t.Fatal(err)
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || !slices.Equal(left, ids[1:]) {
		t.Errorf("left %v of %v, %v", left, ids, err)
	}
}
