package stats

import "github.com/jackc/pgx/v5"

// Queue writes an event to the outbox, as part of the transaction that makes it
// true. An event that cannot be encoded fails the batch when it is sent.
func Queue(b *pgx.Batch, d Delta) {
	b.Queue(`INSERT INTO outbox (event) VALUES ($1)`, d)
}
