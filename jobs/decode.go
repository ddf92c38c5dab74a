package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"inlet/imaging/heif"
)

// decodeTime bounds one decoding, with the wait for the decoder.
const decodeTime = 5 * time.Minute

// decode decodes a picture of a slow format after its upload.
type decode struct {
	ImageID uuid.UUID `json:"image_id" river:"unique"`
}

// Kind implements river.JobArgs.
func (decode) Kind() string { return "decode" }

// decodeQueue runs one job at a time: a decoding takes hundreds of megabytes.
const decodeQueue = "decode"

// InsertOpts implements river.JobArgsWithInsertOpts.
func (decode) InsertOpts() river.InsertOpts {
	// A completed job is not among them: lost variants are made again.
	unfinished := []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}

	return river.InsertOpts{
		Queue: decodeQueue, MaxAttempts: 5, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished},
	}
}

// decodeWorker runs decode jobs.
type decodeWorker struct {
	river.WorkerDefaults[decode]
	w *Workers
}

// Timeout implements river.Worker.
func (decodeWorker) Timeout(*river.Job[decode]) time.Duration { return decodeTime }

// Work implements river.Worker. It gives a slow picture up at the last attempt.
func (d decodeWorker) Work(ctx context.Context, job *river.Job[decode]) error {
	id := job.Args.ImageID
	p, err := d.w.Catalog.Decode(ctx, id)
	if errors.Is(err, heif.ErrSlow) && job.Attempt >= job.MaxAttempts {
		return d.w.Catalog.FlagUndecodable(ctx, id)
	}
	if err != nil {
		return err
	}
	if p != nil {
		if err := d.w.Uploads.Decoded(ctx, id, p); err != nil {
			return err
		}
	}

	_, err = river.ClientFromContext[pgx.Tx](ctx).Insert(ctx, describe{id}, nil)
	return err
}

// Decode enqueues the decoding of a picture in tx, unless it is enqueued already.
func (e *Enqueuer) Decode(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	_, err := e.river.InsertTx(ctx, tx, decode{id}, nil)
	return err
}
