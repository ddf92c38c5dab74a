package match

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SettleAtOnce is how many pictures Settle takes at most. When there are more,
// the oldest are first and the rest is for the next time.
const SettleAtOnce = 4000

// Pair is two stored pictures that resemble each other and may have missed each
// other. First has the smaller id.
type Pair struct {
	First, Second uuid.UUID
	Distance      int
}

const (
	// What another one is settling is left to it.
	takeQuery = `
		UPDATE recent SET settled = true
		 WHERE image_id IN (SELECT image_id FROM recent WHERE NOT settled ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)
		RETURNING image_id, scope, hash, probes, seen`

	missedQuery = `SELECT image_id, scope, hash, bands, written FROM recent WHERE written >= $1`

	// A row is needed until all who did not see it have been settled. They look
	// up before it is visible and write within five minutes of that, by Queue, in
	// transactions that take seconds.
	purgeQuery = `DELETE FROM recent WHERE settled AND at < clock_timestamp() - interval '10 minutes'`
)

// Settle finds the pairs that were missed since it was last committed, because
// both pictures were on their way at once. A call gives a pair once, nearest
// first, and of one picture no more than MaxCandidates; another call may give it
// again. What follows from the pairs belongs into the same transaction.
//
// No pair is missed. Say that the look-ups of A and B did not find one another,
// as neither was committed. The look-up of A did not see the transaction that
// wrote B, so this one is not before the oldest that A may have missed:
// B.written >= A.seen; and A.written >= B.seen. Both rows are settled at some
// time, each by a transaction that sees it. Either the one that settles A sees B,
// and finds it by the first. Or B is committed later, and settled later still;
// then A is visible, as it was settled, and is found by the second. It has not
// been purged: see there.
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
