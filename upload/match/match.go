// Package match finds stored pictures that may be copies of a new one. It owns
// the tables fingerprints and recent. Package imaging/fingerprint judges its
// candidates; package upload decides what follows.
//
// It promises
//   - that a look-up is one round trip of bounded cost: pictures that thousands
//     of others resemble, such as pages of one form, cost no more than Examined
//     rows;
//   - that of any two pictures that resemble each other, either one was among the
//     candidates when the other was looked up, or Settle returns them as a pair,
//     however their commits interleave;
//   - that it never brings pictures of different scopes together.
package match

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/catalog"
	"inlet/db"
	"inlet/imaging/fingerprint"
)

const (
	// MaxCandidates is how many pictures a look-up returns at most.
	MaxCandidates = 32
	// Examined is how many stored fingerprints a look-up compares at most. Where
	// more share a key with the picture, it compares the oldest.
	Examined = 4096
)

// Candidate is a stored picture that may match.
type Candidate struct {
	catalog.Stored
	Distance    int                      // bits in which the hashes differ
	Fingerprint *fingerprint.Fingerprint // of the stored picture
}

// Seen tells what a look-up may have missed: pictures that the transaction oldest
// or a later one wrote. It is stored with the new picture.
type Seen struct {
	oldest uint64
	at     time.Time // by the database's clock
}

const (
	// The oldest transaction that a snapshot does not see. It comes before the
	// look-up, whose own snapshot sees no less.
	seenQuery = `SELECT pg_snapshot_xmin(pg_current_snapshot()), statement_timestamp()`

	candidatesQuery = `
		SELECT ` + catalog.StoredColumns + `, c.distance, c.fingerprint
		  FROM match_candidates($1, $2, $3, $4, $5, $6) c ` + catalog.StoredJoin + `c.image_id
		 ORDER BY c.distance, c.image_id`

	// The older one of two comes first. A picture that has gone, or was merged, is
	// not there.
	storedQuery = `
		SELECT ` + catalog.StoredColumns + `, 0 AS distance, f.print AS fingerprint
		  FROM fingerprints f ` + catalog.StoredJoin + `f.image_id
		 WHERE f.image_id = ANY($1) ORDER BY i.uploaded_at, i.id`
)

// Find looks up the candidates of a scope for a fingerprint and its probes: the
// nearest come first, of those equally near the oldest.
func Find(ctx context.Context, q db.Batcher, scope string, p *fingerprint.Fingerprint, probes []int32) (found []Candidate, seen Seen, err error) {
	var b pgx.Batch
	QueueFind(&b, scope, p, probes, func(c []Candidate, s Seen) { found, seen = c, s })
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return nil, Seen{}, fmt.Errorf("look up candidates: %w", err)
	}

	return found, seen, nil
}

// QueueFind is Find as a part of a batch; answer gets the candidates when the
// batch is closed.
func QueueFind(b *pgx.Batch, scope string, p *fingerprint.Fingerprint, probes []int32, answer func([]Candidate, Seen)) {
	var seen Seen
	b.Queue(seenQuery).QueryRow(func(row pgx.Row) error { return row.Scan(&seen.oldest, &seen.at) })

	args := []any{scope, salted(probes, scope), bitsOf(p.Hash), fingerprint.MaxDistance, Examined, MaxCandidates}
	b.Queue(candidatesQuery, args...).Query(func(rows pgx.Rows) error {
		found, err := collect(rows)
		if err == nil {
			answer(found, seen)
		}
		return err
	})
}

// Stored returns those of the pictures that have a fingerprint, the oldest first.
func Stored(ctx context.Context, pool *pgxpool.Pool, ids ...uuid.UUID) ([]Candidate, error) {
	rows, err := pool.Query(ctx, storedQuery, ids)
	if err != nil {
		return nil, fmt.Errorf("look up fingerprints: %w", err)
	}

	return collect(rows)
}

func collect(rows pgx.Rows) ([]Candidate, error) {
	type row struct {
		catalog.Stored
		Distance    int    `db:"distance"`
		Fingerprint []byte `db:"fingerprint"`
	}

	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (Candidate, error) {
		found, err := pgx.RowToStructByName[row](r)
		if err != nil {
			return Candidate{}, err
		}
		c := Candidate{Stored: found.Stored, Distance: found.Distance, Fingerprint: new(fingerprint.Fingerprint)}
		if err := c.Fingerprint.UnmarshalBinary(found.Fingerprint); err != nil {
			return Candidate{}, fmt.Errorf("picture %s: %w", c.ID, err)
		}

		return c, nil
	})
}

// salted makes keys of different scopes different, so that a look-up reads a
// picture that is in a thousand scopes in its own alone. The scope of the whole
// service leaves them as they are.
func salted(keys []int32, scope string) []int32 {
	if scope == "" {
		return keys
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(scope)) // never fails
	out := make([]int32, len(keys))
	for i, key := range keys {
		out[i] = key ^ int32(sum.Sum32())
	}

	return out
}

// bitsOf is a hash as Postgres counts its bits; hashOf is the way back.
func bitsOf(h fingerprint.Hash) pgtype.Bits {
	var b []byte
	for _, part := range h {
		b = binary.BigEndian.AppendUint64(b, part)
	}

	return pgtype.Bits{Bytes: b, Len: int32(8 * len(b)), Valid: true}
}

func hashOf(b pgtype.Bits) (h fingerprint.Hash) {
	for i := range h {
		h[i] = binary.BigEndian.Uint64(b.Bytes[8*i:])
	}

	return h
}
