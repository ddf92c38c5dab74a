package match

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"inlet/imaging/fingerprint"
)

// newcomer is a recent picture whose missed pairs Settle looks for.
type newcomer struct {
	id     uuid.UUID
	scope  string
	hash   fingerprint.Hash
	seen   uint64 // the oldest transaction that its look-up may have missed
	missed []Pair
	met    uuid.UUID // the last picture that meet compared with it
}

// written is a picture that the look-up of a newcomer may have missed.
type written struct {
	id    uuid.UUID
	scope string
	hash  pgtype.Bits
	bands []int32
	by    uint64 // the transaction
}

// newcomers joins recent pictures with those that they may have missed. SQL would
// join them worse: of a table that is now empty, now full, the planner cannot know
// that a nested loop would be a thousand times slower.
type newcomers struct {
	all     []*newcomer
	byProbe map[int32][]*newcomer
}

// take marks pictures as settled, and returns the oldest transaction that any of
// their look-ups may have missed.
func take(ctx context.Context, tx pgx.Tx) (taken *newcomers, oldest uint64, err error) {
	rows, err := tx.Query(ctx, takeQuery, SettleAtOnce)
	if err != nil {
		return nil, 0, err
	}
	taken = &newcomers{byProbe: map[int32][]*newcomer{}}
	var (
		u      newcomer
		hash   pgtype.Bits
		probes []int32
	)
	_, err = pgx.ForEachRow(rows, []any{&u.id, &u.scope, &hash, &probes, &u.seen}, func() error {
		n := u
		n.hash = hashOf(hash)
		if len(taken.all) == 0 || n.seen < oldest {
			oldest = n.seen
		}
		taken.all = append(taken.all, &n)
		for _, key := range probes {
			taken.byProbe[key] = append(taken.byProbe[key], &n)
		}

		return nil
	})

	return taken, oldest, err
}

// meet finds the newcomers with which w makes a pair.
func (n *newcomers) meet(w *written) {
	hash := hashOf(w.hash)
	for _, key := range w.bands {
		for _, u := range n.byProbe[key] {
			if u.met == w.id || u.id == w.id {
				continue
			}
			u.met = w.id
			if w.by >= u.seen && w.scope == u.scope {
				u.compare(w.id, hash)
			}
		}
	}
}

func (u *newcomer) compare(id uuid.UUID, hash fingerprint.Hash) {
	distance := u.hash.Distance(hash)
	if distance > fingerprint.MaxDistance {
		return
	}
	u.missed = append(u.missed, pairOf(u.id, id, distance))
	// Pages of one form come by the thousand: the nearest suffice.
	if len(u.missed) == 2*MaxCandidates {
		u.missed = nearest(u.missed)
	}
}

// pairs lists the pairs of all newcomers, each once.
func (n *newcomers) pairs() []Pair {
	var all []Pair
	for _, u := range n.all {
		all = append(all, nearest(u.missed)...)
	}
	slices.SortFunc(all, byDistance)

	return slices.Compact(all)
}

func nearest(pairs []Pair) []Pair {
	slices.SortFunc(pairs, byDistance)
	return pairs[:min(len(pairs), MaxCandidates)]
}

func pairOf(a, b uuid.UUID, distance int) Pair {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return Pair{a, b, distance}
}

func byDistance(a, b Pair) int {
	return cmp.Or(cmp.Compare(a.Distance, b.Distance), bytes.Compare(a.First[:], b.First[:]), bytes.Compare(a.Second[:], b.Second[:]))
}
