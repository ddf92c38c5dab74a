package stats

import (
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/problem"
)

// Queue writes an event to the outbox, as part of the transaction that makes it
// true. An event that cannot be encoded fails the batch when it is sent.
func Queue(b *pgx.Batch, d Delta) {
	b.Queue(`INSERT INTO outbox (event) VALUES ($1)`, d)
}

// QueueRejections counts refused files by their codes, as part of a transaction.
func QueueRejections(b *pgx.Batch, at time.Time, files map[problem.Code]int64) {
	var all int64
	for code, n := range files {
		b.Queue(`INSERT INTO rejections (rejected_at, code, files) VALUES ($1, $2, $3)`, at, string(code), n)
		all += n
	}

	Queue(b, Delta{Rejected: all})
}
