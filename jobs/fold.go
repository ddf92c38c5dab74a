package jobs

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"inlet/imaging/fingerprint"
)

// Lookalikes are stored pictures that look alike.
type Lookalikes interface {
	// Settle enqueues the comparison of those that were stored at the same moment.
	Settle(ctx context.Context) error
	// Fold compares two, and makes one of them if they are the same.
	Fold(ctx context.Context, a, b uuid.UUID) error
	// Decoded makes one findable that was not decoded when it came in.
	Decoded(ctx context.Context, id uuid.UUID, p *fingerprint.Picture) error
}

// foldTime bounds a comparison, for which two pictures may have to be decoded
// that take long.
const foldTime = 5 * time.Minute

// fold compares two stored pictures.
type fold struct {
	First  uuid.UUID `json:"first"`
	Second uuid.UUID `json:"second"`
}

func (fold) Kind() string { return "fold" }

// foldQueue keeps many comparisons from holding up other work.
const foldQueue = "fold"

// InsertOpts implements river.JobArgsWithInsertOpts.
func (fold) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: foldQueue} }

// foldWorker runs fold jobs.
type foldWorker struct {
	river.WorkerDefaults[fold]
	w *Workers
}

// Timeout implements river.Worker.
func (foldWorker) Timeout(*river.Job[fold]) time.Duration { return foldTime }

// Work implements river.Worker.
func (f foldWorker) Work(ctx context.Context, job *river.Job[fold]) error {
	return f.w.Lookalikes.Fold(ctx, job.Args.First, job.Args.Second)
}

// settle finds the pairs of the last seconds.
func (w *Workers) settle(ctx context.Context) error { return w.Lookalikes.Settle(ctx) }

// Fold enqueues the comparison of pairs, in the transaction that makes it
// necessary.
func (e *Enqueuer) Fold(ctx context.Context, tx pgx.Tx, pairs [][2]uuid.UUID) error {
	if len(pairs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(pairs))
	for i, p := range pairs {
		params[i].Args = fold{p[0], p[1]}
	}
	_, err := e.river.InsertManyFastTx(ctx, tx, params)
	return err
}
