package catalog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/imaging/fingerprint"
)

func phashOf(h fingerprint.Hash) *int64 {
	first := int64(h[0])

	return &first
}

// Matched is the stored picture that a file turned out to be.
type Matched struct {
	Stored
	Match    string `db:"match"`
	Distance *int   `db:"distance"`
}

const (
	// The same bytes are either those of a stored picture or an alias; nobody has
	// to look into the file.
	bytesQuery = `
		SELECT ` + StoredColumns + `, 'exact' AS match, NULL::integer AS distance
		  FROM images i WHERE i.scope = $1 AND i.sha256 = $2
		UNION ALL
		SELECT ` + StoredColumns + `, a.match, a.distance
		  FROM aliases a ` + StoredJoin + `a.image_id WHERE a.scope = $1 AND a.sha256 = $2
		LIMIT 1`

	// The same bytes have the same payload too: another upload may have stored
	// them since bytesQuery.
	payloadQuery = `
		SELECT ` + StoredColumns + `, CASE WHEN i.sha256 = $3 THEN 'exact' ELSE 'payload' END AS match, NULL::integer AS distance
		  FROM images i WHERE i.scope = $1 AND i.payload = $2`

	knownQuery = `
		SELECT sha256, id FROM images WHERE scope = $1 AND sha256 = ANY($2)
		UNION ALL
		SELECT sha256, image_id FROM aliases WHERE scope = $1 AND sha256 = ANY($2)`
)

// FindBytes returns the picture whose bytes, or whose copy's bytes, have this
// SHA-256; nil if there is none.
func (s *Service) FindBytes(ctx context.Context, scope string, sum [32]byte) (*Matched, error) {
	rows, err := s.Pool.Query(ctx, bytesQuery, scope, sum[:])
	if err != nil {
		return nil, fmt.Errorf("look up bytes: %w", err)
	}

	return oneMatch(rows)
}

// QueueFindPayload is a look-up by the picture data, as one of the statements of
// a batch. answer gets the match; nothing calls it where there is none.
func QueueFindPayload(b *pgx.Batch, scope string, payload, sum [32]byte, answer func(*Matched)) {
	b.Queue(payloadQuery, scope, payload[:], sum[:]).Query(func(rows pgx.Rows) error {
		found, err := oneMatch(rows)
		if found != nil {
			answer(found)
		}
		return err
	})
}

func oneMatch(rows pgx.Rows) (*Matched, error) {
	m, err := pgx.CollectOneRow(rows, pgx.RowToAddrOfStructByName[Matched])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up a picture: %w", err)
	}

	return m, nil
}

// Known returns those of the sums whose files need not be sent, in hexadecimal,
// with the ids of their pictures.
func (s *Service) Known(ctx context.Context, scope string, sums [][]byte) (map[string]uuid.UUID, error) {
	rows, err := s.Pool.Query(ctx, knownQuery, scope, sums)
	if err != nil {
		return nil, fmt.Errorf("look up sums: %w", err)
	}
	known := map[string]uuid.UUID{}
	var sum []byte
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&sum, &id}, func() error {
		known[hex.EncodeToString(sum)] = id
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up sums: %w", err)
	}

	return known, nil
}

const unreferencedQuery = `
	SELECT sum FROM unnest($1::bytea[]) AS sum
	 WHERE NOT EXISTS (SELECT FROM images i WHERE i.sha256 = sum)`

// References tells package vault which contents pictures have.
type References struct{}

// Unreferenced implements vault.References.
func (References) Unreferenced(ctx context.Context, q db.Querier, sums [][]byte) ([][]byte, error) {
	return db.Collect[[]byte](ctx, q, unreferencedQuery, sums)
}
