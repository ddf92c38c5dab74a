package lookalike

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging/fingerprint"
)

// ErrStale says that the look-up is too long ago for the picture to be stored by
// it: look it up again.
var ErrStale = errors.New("the look-up for pictures alike is too old")

// Rows of recent are kept for twice as long as a look-up is good for: the rest is
// for the transaction that writes by it. A picture that is queued again, as by a
// job that runs twice, takes its own place.
const keepQuery = `
	WITH kept AS (
		INSERT INTO fingerprints (image_id, scope, hash, bands, print)
		SELECT $1::uuid, $2::text, $3::bit(256), $4::integer[], $5::bytea
		 WHERE $8::timestamptz > clock_timestamp() - interval '5 minutes'
		ON CONFLICT (image_id) DO UPDATE
		   SET scope = excluded.scope, hash = excluded.hash, bands = excluded.bands, print = excluded.print
		RETURNING image_id, scope, hash, bands
	)
	INSERT INTO recent (image_id, scope, hash, bands, probes, seen)
	SELECT image_id, scope, hash, bands, $6::integer[], $7::xid8 FROM kept
	ON CONFLICT (image_id) DO UPDATE
	   SET scope = excluded.scope, hash = excluded.hash, bands = excluded.bands, probes = excluded.probes,
	       seen = excluded.seen, written = excluded.written, at = excluded.at, settled = false
	RETURNING image_id`

// Queue adds what makes a stored picture findable, from the commit on. The
// picture's row has to be there before it. When the batch is closed it fails with
// ErrStale if five minutes have passed since the look-up that gave seen; then the
// transaction must not be committed.
func Queue(b *pgx.Batch, id uuid.UUID, scope string, p *fingerprint.Fingerprint, probes []int32, seen Seen) {
	look, _ := p.MarshalBinary() // never fails
	bands := salted(p.Hash.Bands(), scope)
	b.Queue(keepQuery, id, scope, bitsOf(p.Hash), bands, look, salted(probes, scope), seen.oldest, seen.at).
		QueryRow(func(row pgx.Row) error {
			var ignored uuid.UUID
			switch err := row.Scan(&ignored); {
			case errors.Is(err, pgx.ErrNoRows):
				return ErrStale
			case err != nil:
				return fmt.Errorf("keep a fingerprint: %w", err)
			}
			return nil
		})
}

const nearQuery = `
	INSERT INTO near (image_id, other_id, distance) VALUES ($1, $2, $3), ($2, $1, $3)
	ON CONFLICT (image_id, other_id) DO UPDATE SET distance = least(near.distance, excluded.distance)`

// QueueNear adds that two stored pictures look alike. Of what is said of a pair
// more than once the smallest distance is kept.
func QueueNear(b *pgx.Batch, id, other uuid.UUID, distance int) {
	b.Queue(nearQuery, id, other, distance)
}
