// Package lookalike finds stored pictures that look like a new one. It owns the
// tables fingerprints, recent and near; what looks alike is for others to judge,
// and what becomes of a pair.
//
// It promises
//   - that a look-up is one query, whose cost has a bound: pictures that thousands
//     of others resemble, such as pages of one form, cost no more than Examined
//     rows;
//   - that of any two pictures that look alike either one was among the candidates
//     when the other was looked up, or Settle gives them as a pair, however their
//     commits interleave;
//   - that pictures of different scopes are never given together.
package lookalike

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
)

const (
	// MaxCandidates is how many pictures a look-up gives at most.
	MaxCandidates = 32
	// Examined is how many stored fingerprints a look-up compares at most. Where
	// more share a key with the picture, the oldest are compared.
	Examined = 4096
)

// Candidate is a stored picture whose hash is near to that of the new one.
type Candidate struct {
	ID            uuid.UUID
	SHA256        []byte // of the blob
	Format        imaging.Format
	Width, Height int
	Frames        int
	Duration      time.Duration // of an animation
	Bytes         int64
	UploadedAt    time.Time
	Distance      int // bits that differ
	Fingerprint   *fingerprint.Fingerprint
}

// Seen tells what a look-up may have missed: pictures that were written by the
// transaction oldest or a later one. It is stored with the new picture.
type Seen struct {
	oldest uint64
	at     time.Time // by the database's clock
}

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// The oldest transaction that the statement's snapshot does not see comes with
// the candidates, or alone if there are none.
const findQuery = `
	SELECT s.oldest, s.at, i.id, i.sha256, i.format, i.width, i.height, i.frames, i.duration_ms, i.bytes, i.uploaded_at, n.bits, n.look
	  FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS oldest, statement_timestamp() AS at) s
	  LEFT JOIN (lookalikes($1, $2, $3, $4, $5, $6) n JOIN images i ON i.id = n.id) ON true
	 ORDER BY n.bits, n.id`

// Find looks up the pictures of a scope that look like one with this print and
// these probes: the nearest come first, of those equally near the oldest.
func Find(ctx context.Context, q querier, scope string, p *fingerprint.Fingerprint, probes []int32) ([]Candidate, Seen, error) {
	found, seen, err := find(ctx, q, scope, p.Hash, probes)
	if err != nil {
		return nil, Seen{}, fmt.Errorf("look up pictures alike: %w", err)
	}
	return found, seen, nil
}

// QueueFind is Find as one of the statements of a batch; answer is called when
// the batch is closed.
func QueueFind(b *pgx.Batch, scope string, p *fingerprint.Fingerprint, probes []int32, answer func([]Candidate, Seen)) {
	b.Queue(findQuery, findArgs(scope, p.Hash, probes)...).Query(func(rows pgx.Rows) error {
		found, seen, err := scan(rows)
		if err != nil {
			return fmt.Errorf("look up pictures alike: %w", err)
		}
		answer(found, seen)
		return nil
	})
}

func find(ctx context.Context, q querier, scope string, h fingerprint.Hash, probes []int32) ([]Candidate, Seen, error) {
	rows, err := q.Query(ctx, findQuery, findArgs(scope, h, probes)...)
	if err != nil {
		return nil, Seen{}, err
	}
	return scan(rows)
}

func findArgs(scope string, h fingerprint.Hash, probes []int32) []any {
	return []any{scope, salted(probes, scope), bitsOf(h), fingerprint.MaxDistance, Examined, MaxCandidates}
}

func scan(rows pgx.Rows) (found []Candidate, seen Seen, err error) {
	defer rows.Close()
	for rows.Next() {
		var (
			id                              *uuid.UUID // of no candidate all are NULL
			sha256, look                    []byte
			format                          *imaging.Format
			width, height, frames, distance *int
			milliseconds, bytes             *int64
			at                              *time.Time
		)
		err := rows.Scan(&seen.oldest, &seen.at, &id, &sha256, &format, &width, &height, &frames, &milliseconds, &bytes, &at, &distance, &look)
		if err != nil {
			return nil, Seen{}, err
		}
		if id == nil {
			continue
		}
		c := Candidate{
			ID: *id, SHA256: sha256, Format: *format, Width: *width, Height: *height, Frames: *frames,
			Duration: time.Duration(*milliseconds) * time.Millisecond, Bytes: *bytes, UploadedAt: *at,
			Distance: *distance, Fingerprint: new(fingerprint.Fingerprint),
		}
		if err := c.Fingerprint.UnmarshalBinary(look); err != nil {
			return nil, Seen{}, fmt.Errorf("picture %s: %w", c.ID, err)
		}
		found = append(found, c)
	}
	return found, seen, rows.Err()
}

// salted makes keys of different scopes different, so that a picture that is in
// a thousand scopes is looked at in its own alone. The scope of the whole service
// leaves them as they are.
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

// bitsOf is a hash as Postgres counts its bits, and hashOf one that comes back.
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
