package match

import (
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/imaging/fingerprint"
)

// ErrStale says that the look-up is too long ago for the picture to be stored by
// it: look the candidates up again.
var ErrStale = errors.New("the look-up for candidates is too old")

// Rows of recent stay twice as long as a look-up is good for: the rest is for the
// transaction that writes by it. A picture that is queued again, as by a job that
// runs twice, replaces its own row.
const storeQuery = `
	WITH stored AS (
		INSERT INTO fingerprints (image_id, scope, hash, bands, print)
		SELECT @id::uuid, @scope::text, @hash::bit(256), @bands::integer[], @fingerprint::bytea
		 WHERE @looked_up::timestamptz > clock_timestamp() - interval '5 minutes'
		ON CONFLICT (image_id) DO UPDATE
		   SET scope = excluded.scope, hash = excluded.hash, bands = excluded.bands, print = excluded.print
		RETURNING image_id, scope, hash, bands
	)
	INSERT INTO recent (image_id, scope, hash, bands, probes, seen)
	SELECT image_id, scope, hash, bands, @probes::integer[], @seen::xid8 FROM stored
	ON CONFLICT (image_id) DO UPDATE
	   SET scope = excluded.scope, hash = excluded.hash, bands = excluded.bands, probes = excluded.probes,
	       seen = excluded.seen, written = excluded.written, at = excluded.at, settled = false`

// Queue adds to a transaction what makes a stored picture findable; the picture's
// row comes before it. The batch fails with ErrStale if five minutes have passed
// since the look-up that gave seen; then the transaction must not commit.
func Queue(b *pgx.Batch, id uuid.UUID, scope string, p *fingerprint.Fingerprint, probes []int32, seen Seen) {
	encoded, _ := p.MarshalBinary() // never fails
	db.QueueRequired(b, ErrStale, storeQuery, pgx.NamedArgs{
		"id": id, "scope": scope, "hash": bitsOf(p.Hash), "bands": salted(p.Hash.Bands(), scope), "fingerprint": encoded,
		"probes": salted(probes, scope), "seen": seen.oldest, "looked_up": seen.at,
	})
}
