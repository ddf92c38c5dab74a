package stats

import (
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/problem"
)

// versionRecent is the version of events that have Recent.
const versionRecent = 1

// Queue writes an event to the outbox, in the transaction that makes it true. The
// batch fails if the event cannot be encoded.
func Queue(b *pgx.Batch, d Delta) {
	d.Version = versionRecent
	b.Queue(`INSERT INTO outbox (event) VALUES ($1)`, d)
}

// QueueRejections counts refused files by their codes, in the caller's transaction.
func QueueRejections(b *pgx.Batch, at time.Time, files map[problem.Code]int64) {
	var all int64
	for code, n := range files {
		b.Queue(`INSERT INTO rejections (rejected_at, code, files) VALUES ($1, $2, $3)`, at, string(code), n)
		all += n
	}

	Queue(b, Delta{Rejected: all, Recent: []Recent{{At: at, Rejected: all}}})
}
