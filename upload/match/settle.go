package match

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SettleAtOnce is how many pictures Settle takes at most, the oldest first; the
// next call takes the rest.
const SettleAtOnce = 4000

// Pair is two stored pictures that resemble each other and may have missed each
// other. First has the smaller id.
type Pair struct {
	First, Second uuid.UUID
	Distance      int
}

const (
	// Another transaction may be settling some: those are its own.
	takeQuery = `
		UPDATE recent SET settled = true
		 WHERE image_id IN (SELECT image_id FROM recent WHERE NOT settled ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)
		RETURNING image_id, scope, hash, probes, seen`

	missedQuery = `SELECT image_id, scope, hash, bands, written FROM recent WHERE written >= $1`

	// A row serves until every picture that did not see it has been settled. Those
	// look up before the row is visible, and Queue lets them write within five
	// minutes, in transactions of seconds.
	purgeQuery = `DELETE FROM recent WHERE settled AND at < clock_timestamp() - interval '10 minutes'`
)

// Settle finds the pairs that look-ups missed since it last committed, because
// both pictures were on their way at once. A call returns a pair once, nearest
// first, and no more than MaxCandidates of one picture; another call may return it
// again. The caller acts on the pairs in the same transaction.
//
// It misses no pair. Say that the look-ups of A and B did not find one another,
// as neither was committed. The look-up of A did not see the transaction that
// wrote B, so this one is not before the oldest that A may have missed:
// B.written >= A.seen; and A.written >= B.seen. Both rows are settled at some
// time, each by a transaction that sees it. Either the one that settles A sees B,
// and finds it by the first. Or B commits later, and is settled later still:
// then A is visible, as it was settled, and the second finds it. It has not been
// purged: see purgeQuery.
func Settle(ctx context.Context, tx pgx.Tx) ([]Pair, error) {
	pairs, err := settle(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("settle recent pictures: %w", err)
	}

	return pairs, nil
}

func settle(ctx context.Context, tx pgx.Tx) ([]Pair, error) {
	newcomers, oldest, err := take(ctx, tx)
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	if len(newcomers.all) > 0 {
		rows, err := tx.Query(ctx, missedQuery, oldest)
		if err != nil {
			return nil, err
		}
		var m written
		_, err = pgx.ForEachRow(rows, []any{&m.id, &m.scope, &m.hash, &m.bands, &m.by}, func() error {
			newcomers.meet(&m)
			return nil
		})
		if err != nil {
			return nil, err
		}
		pairs = newcomers.pairs()
	}
	_, err = tx.Exec(ctx, purgeQuery)

	return pairs, err
}
