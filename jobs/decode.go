package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"inlet/imaging/fingerprint"
	"inlet/imaging/heif"
)

// Pictures are those that are stored.
type Pictures interface {
	// Decode decodes one, keeps its variants, and gives what it looks like, if
	// that is known.
	Decode(ctx context.Context, id uuid.UUID) (*fingerprint.Picture, error)
	// FlagUndecodable gives one up.
	FlagUndecodable(ctx context.Context, id uuid.UUID) error
}

// decodeTime bounds a decoding and the wait for another one, by which two
// pictures are compared.
const decodeTime = 5 * time.Minute

// decode decodes a picture that was not decoded when it came in.
type decode struct {
	ImageID uuid.UUID `json:"image_id" river:"unique"`
}

func (decode) Kind() string { return "decode" }

// decodeQueue runs one at a time: each takes hundreds of megabytes.
const decodeQueue = "decode"

// InsertOpts implements river.JobArgsWithInsertOpts.
func (decode) InsertOpts() river.InsertOpts {
	// A job that has done its work does not keep the next one out.
	waiting := []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
	return river.InsertOpts{
		Queue: decodeQueue, MaxAttempts: 5, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: waiting},
	}
}

// decodeWorker runs decode jobs.
type decodeWorker struct {
	river.WorkerDefaults[decode]
	w *Workers
}

// Timeout implements river.Worker.
func (decodeWorker) Timeout(*river.Job[decode]) time.Duration { return decodeTime }

// Work implements river.Worker.
func (d decodeWorker) Work(ctx context.Context, job *river.Job[decode]) error {
	id := job.Args.ImageID
	p, err := d.w.Pictures.Decode(ctx, id)
	if errors.Is(err, heif.ErrSlow) && job.Attempt >= job.MaxAttempts {
		return d.w.Pictures.FlagUndecodable(ctx, id)
	}
	if err != nil || p == nil {
		return err
	}
	return d.w.Lookalikes.Decoded(ctx, id, p)
}

// Decode enqueues the decoding of a picture, in the transaction that stores it.
func (e *Enqueuer) Decode(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	_, err := e.river.InsertTx(ctx, tx, decode{id}, nil)
	return err
}
