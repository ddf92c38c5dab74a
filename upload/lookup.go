package upload

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging"
	"inlet/problem"
	"inlet/upload/lookalike"
)

// kept is the stored picture that a file turned out to be a copy of.
type kept struct {
	id            uuid.UUID
	sha256        []byte
	format        imaging.Format
	width, height int
	bytes         int64
	match         string
	distance      *int
}

// The same bytes are either those of a stored picture or those of a copy that
// was recognised before; both are known without looking into the file.
const exactQuery = `
	SELECT id, sha256, format, width, height, bytes, 'exact', NULL::integer
	  FROM images WHERE scope = $1 AND sha256 = $2
	UNION ALL
	SELECT i.id, i.sha256, i.format, i.width, i.height, i.bytes, a.match, a.distance
	  FROM aliases a JOIN images i ON i.id = a.image_id WHERE a.scope = $1 AND a.sha256 = $2
	LIMIT 1`

// The same bytes have the same picture data too: they may have been stored
// since they were looked up.
const payloadQuery = `
	SELECT id, sha256, format, width, height, bytes, CASE WHEN sha256 = $3 THEN 'exact' ELSE 'payload' END, NULL::integer
	  FROM images WHERE scope = $1 AND payload = $2`

// lookUpExact returns the picture of which the file's bytes are known, or nil.
func (s *Service) lookUpExact(ctx context.Context, a arrival) (*kept, error) {
	ctx, step := s.begin(ctx, "exact")
	defer step.end()
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	sum := a.staged.Sum()
	k, err := scanKept(s.Pool.QueryRow(ctx, exactQuery, a.scope, sum[:]))
	if err != nil {
		return nil, problem.StoreFailed(fmt.Errorf("look up a picture: %w", err))
	}
	return k, nil
}

// looks is what the stores know of a file that has been looked into.
type looks struct {
	payload *kept // the picture with the same picture data
	alike   []lookalike.Candidate
	seen    lookalike.Seen
}

// lookUpAlike asks for the same picture data and for pictures that look alike,
// in one round trip.
func (s *Service) lookUpAlike(ctx context.Context, a arrival, info imaging.Info) (found looks, err error) {
	ctx, step := s.begin(ctx, "looks")
	defer step.end()
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	var batch pgx.Batch
	if info.Payload != nil {
		sum := a.staged.Sum()
		batch.Queue(payloadQuery, a.scope, info.Payload[:], sum[:]).QueryRow(func(row pgx.Row) (err error) {
			found.payload, err = scanKept(row)
			return err
		})
	}
	if info.Fingerprint != nil {
		lookalike.QueueFind(&batch, a.scope, info.Fingerprint, info.Probes, func(alike []lookalike.Candidate, seen lookalike.Seen) {
			found.alike, found.seen = alike, seen
		})
	}
	if batch.Len() == 0 {
		return found, nil
	}
	if err := s.Pool.SendBatch(ctx, &batch).Close(); err != nil {
		return looks{}, problem.StoreFailed(fmt.Errorf("look up a picture: %w", err))
	}
	return found, nil
}

// keptCopy is a stored picture of which a file is a copy by its looks.
func keptCopy(c *lookalike.Candidate) kept {
	return kept{
		id: c.ID, sha256: c.SHA256, format: c.Format, width: c.Width, height: c.Height, bytes: c.Bytes,
		match: MatchPerceptual, distance: &c.Distance,
	}
}

// scanKept reads a row of the queries above, or returns nil if there is none.
func scanKept(row pgx.Row) (*kept, error) {
	var k kept
	err := row.Scan(&k.id, &k.sha256, &k.format, &k.width, &k.height, &k.bytes, &k.match, &k.distance)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &k, err
}

// Known returns those of the sums, in hexadecimal, whose files need not be sent
// through the link, and the ids of the pictures that are kept in their place.
func (s *Service) Known(ctx context.Context, from Sender, sums [][]byte) (map[string]uuid.UUID, error) {
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	rows, err := s.Pool.Query(ctx, `
		SELECT sha256, id FROM images WHERE scope = $1 AND sha256 = ANY($2)
		UNION ALL
		SELECT sha256, image_id FROM aliases WHERE scope = $1 AND sha256 = ANY($2)`, s.scope(from), sums)
	if err != nil {
		return nil, problem.StoreFailed(fmt.Errorf("look up sums: %w", err))
	}
	known := map[string]uuid.UUID{}
	var sum []byte
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&sum, &id}, func() error {
		known[hex.EncodeToString(sum)] = id
		return nil
	})
	if err != nil {
		return nil, problem.StoreFailed(fmt.Errorf("look up sums: %w", err))
	}
	return known, nil
}
