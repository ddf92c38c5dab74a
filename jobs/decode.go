package jobs

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// decode decodes a picture that was not decoded when it came in.
type decode struct {
	ImageID uuid.UUID `json:"image_id" river:"unique"`
}

func (decode) Kind() string { return "decode" }

// decodeQueue runs one at a time: each takes hundreds of megabytes.
const decodeQueue = "decode"

// InsertOpts implements river.JobArgsWithInsertOpts.
func (decode) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: decodeQueue, MaxAttempts: 5, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// Decode enqueues the decoding of a picture, in the transaction that stores it.
func (e *Enqueuer) Decode(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	_, err := e.river.InsertTx(ctx, tx, decode{id}, nil)
	return err
}
