package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/imaging/fingerprint"
	"inlet/link"
)

// How a duplicate was recognised.
const (
	MatchExact   = "exact"   // the same bytes
	MatchPayload = "payload" // the same picture data with other metadata
	// MatchPerceptual is the same picture re-encoded, scaled or converted.
	MatchPerceptual = "perceptual"
)

// Upload is a row of uploads: one accepted file.
type Upload struct {
	UploadedAt time.Time `db:"uploaded_at"`
	ImageID    uuid.UUID `db:"image_id"`
	LinkID     link.ID   `db:"link_id"`
	Status     string    `db:"status"` // stored or duplicate
	Match      *string   `db:"match"`  // of a duplicate
	Distance   *int      `db:"distance"`
	Bytes      int64     `db:"bytes"`
	Filename   string    `db:"filename"`
	Client     []byte    `db:"client"` // keyed hash of the sender's address, never the address
}

// QueuePicture adds the row of a new picture to a transaction. The batch fails
// with ErrRaced where the scope has the picture already.
func (s *Service) QueuePicture(b *pgx.Batch, p Picture) {
	db.QueueRequired(b, ErrRaced, s.images.Insert+" ON CONFLICT DO NOTHING", s.images.Values(p.row())...)
}

// QueueUpload adds the row of an accepted file to a transaction.
func (s *Service) QueueUpload(b *pgx.Batch, u Upload) {
	b.Queue(s.uploads.Insert, s.uploads.Values(u)...)
}

// Alias is bytes that were accepted as a copy of a stored picture and not kept.
type Alias struct {
	Scope    string
	SHA256   [32]byte
	ImageID  uuid.UUID
	Match    string
	Distance *int
}

const aliasQuery = `
	INSERT INTO aliases (scope, sha256, image_id, match, distance) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT DO NOTHING`

// QueueAlias adds an alias to a transaction.
func QueueAlias(b *pgx.Batch, a Alias) {
	b.Queue(aliasQuery, a.Scope, a.SHA256[:], a.ImageID, a.Match, a.Distance)
}

const nearQuery = `
	INSERT INTO near (image_id, other_id, distance) VALUES ($1, $2, $3), ($2, $1, $3)
	ON CONFLICT (image_id, other_id) DO UPDATE SET distance = least(near.distance, excluded.distance)`

// QueueNear adds to a transaction that two stored pictures are near-duplicates.
// Of several distances of a pair the smallest counts.
func QueueNear(b *pgx.Batch, id, other uuid.UUID, distance int) {
	b.Queue(nearQuery, id, other, distance)
}

const (
	phashQuery = `UPDATE images SET phash = $2 WHERE id = $1`

	scopeQuery = `SELECT scope FROM images WHERE id = $1`
)

// QueuePHash gives a stored picture its perceptual hash, in the transaction that
// makes it findable. The batch fails with ErrNotFound where the picture has gone.
func QueuePHash(b *pgx.Batch, id uuid.UUID, h fingerprint.Hash) {
	db.QueueRequired(b, ErrNotFound, phashQuery, id, phashOf(h))
}

// Scope returns the scope of a stored picture.
func (s *Service) Scope(ctx context.Context, id uuid.UUID) (scope string, err error) {
	err = s.Pool.QueryRow(ctx, scopeQuery, id).Scan(&scope)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("look up a picture's scope: %w", err)
	}

	return scope, nil
}
