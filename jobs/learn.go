package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"inlet/catalog"
	"inlet/imaging"
	"inlet/learn/registry"
)

type (
	// describe makes the features of a picture, and predicts for it.
	describe struct {
		ImageID uuid.UUID `json:"image_id"`
	}
	// train runs a training that was asked for.
	train struct{ registry.Request }
	// predictAll predicts with a model for the pictures below an id that it has not
	// seen.
	predictAll struct {
		Model int       `json:"model"`
		Below uuid.UUID `json:"below"`
	}
)

// Kind implements river.JobArgs.
func (describe) Kind() string { return "features" }

// Kind implements river.JobArgs.
func (train) Kind() string { return "train" }

// Kind implements river.JobArgs.
func (predictAll) Kind() string { return "predict_all" }

const (
	// featuresQueue holds one job a picture, trainQueue those that take minutes, and
	// learnQueue the tasks that look for such work. Workers of the release before, who
	// know none of these kinds, read none of these queues.
	featuresQueue = "features"
	trainQueue    = "train"
	learnQueue    = "learn"

	describeTime = time.Minute
	trainTime    = time.Hour
	// predictSlice is how long one predictAll works before it enqueues the next: a job
	// of a dead worker runs again after jobTime.
	predictSlice = 20 * time.Second

	// backfill is the priority of pictures that nobody waits for.
	backfill = 3
	// describeAttempts is how often the features of a picture are tried.
	describeAttempts = 5
)

// InsertOpts implements river.JobArgsWithInsertOpts.
func (describe) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: featuresQueue, MaxAttempts: describeAttempts}
}

// InsertOpts implements river.JobArgsWithInsertOpts.
func (train) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: trainQueue, MaxAttempts: 3}
}

// InsertOpts implements river.JobArgsWithInsertOpts.
func (predictAll) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: trainQueue} }

// describeWorker runs describe jobs.
type describeWorker struct {
	river.WorkerDefaults[describe]
	w *Workers
}

// Timeout implements river.Worker.
func (describeWorker) Timeout(*river.Job[describe]) time.Duration { return describeTime }

// Work implements river.Worker. The job that decodes a slow format enqueues this one
// anew. The last attempt gives the picture up.
func (d describeWorker) Work(ctx context.Context, job *river.Job[describe]) error {
	if err := d.w.computing.Acquire(ctx, 1); err != nil {
		return err
	}
	defer d.w.computing.Release(1)

	err := d.w.Registry.Describe(ctx, job.Args.ImageID)
	switch {
	case errors.Is(err, imaging.ErrNotReady):
		return nil
	case err != nil && ctx.Err() == nil && job.Attempt >= job.MaxAttempts:
		return errors.Join(err, d.w.Registry.GiveUp(ctx, job.Args.ImageID))
	}
	return err
}

// trainWorker runs train jobs.
type trainWorker struct {
	river.WorkerDefaults[train]
	w *Workers
}

// Timeout implements river.Worker.
func (trainWorker) Timeout(*river.Job[train]) time.Duration { return trainTime }

// handOver is the pause after which another worker may take a job.
const handOver = 5 * time.Second

// Work implements river.Worker.
func (t trainWorker) Work(ctx context.Context, job *river.Job[train]) error {
	err := t.w.Registry.Train(ctx, job.Args.Request)
	if errors.Is(err, registry.ErrOutranked) {
		return river.JobSnooze(handOver)
	}
	return err
}

// predictWorker runs predictAll jobs.
type predictWorker struct {
	river.WorkerDefaults[predictAll]
	w *Workers
}

// Work implements river.Worker.
func (p predictWorker) Work(ctx context.Context, job *river.Job[predictAll]) error {
	below, more, err := p.w.Registry.PredictAll(ctx, catalog.Version(job.Args.Model), job.Args.Below, predictSlice)
	if err != nil || !more {
		return err
	}
	_, err = river.ClientFromContext[pgx.Tx](ctx).Insert(ctx, predictAll{job.Args.Model, below}, nil)
	return err
}

// queueFeaturesQuery inserts the row that River would insert. It travels with the
// other statements of an upload's commit, which River's client cannot do; a test
// compares the two.
const queueFeaturesQuery = `INSERT INTO river_job (args, kind, max_attempts, queue) VALUES ($1, $2, $3, $4)`

// QueueFeatures adds a job to a transaction that makes the features of a picture.
func (e *Enqueuer) QueueFeatures(b *pgx.Batch, id uuid.UUID) {
	args, _ := json.Marshal(describe{id}) // a struct of one id
	b.Queue(queueFeaturesQuery, args, describe{}.Kind(), describeAttempts, featuresQueue)
}

// Features enqueues the features of pictures that nobody waits for.
func (e *Enqueuer) Features(ctx context.Context, ids []uuid.UUID) error {
	if len(ids) == 0 {
		return nil
	}

	params := make([]river.InsertManyParams, len(ids))
	for i, id := range ids {
		params[i] = river.InsertManyParams{Args: describe{id}, InsertOpts: &river.InsertOpts{Priority: backfill}}
	}
	if _, err := e.river.InsertManyFast(ctx, params); err != nil {
		return fmt.Errorf("jobs: enqueue features: %w", err)
	}
	return nil
}

// Train enqueues a training.
func (e *Enqueuer) Train(ctx context.Context, request registry.Request) error {
	if _, err := e.river.Insert(ctx, train{request}, nil); err != nil {
		return fmt.Errorf("jobs: enqueue a training: %w", err)
	}
	return nil
}

// PredictAll enqueues in tx the predictions of a model for all pictures.
func (e *Enqueuer) PredictAll(ctx context.Context, tx pgx.Tx, version catalog.Version) error {
	if _, err := e.river.InsertTx(ctx, tx, predictAll{int(version), uuid.Max}, nil); err != nil {
		return fmt.Errorf("jobs: enqueue predictions: %w", err)
	}
	return nil
}

// fillBatch is how many pictures without features are enqueued at once, while fewer
// than half as many wait.
const fillBatch = 2000

const waitingQuery = `SELECT count(*) FROM (SELECT FROM river_job WHERE kind = $1 AND state IN ('available', 'running', 'retryable', 'scheduled') LIMIT $2) AS waiting`

// fillFeatures enqueues the features that are missing, when few others wait.
func (w *Workers) fillFeatures(ctx context.Context) error {
	var waiting int
	if err := w.Pool.QueryRow(ctx, waitingQuery, describe{}.Kind(), fillBatch/2).Scan(&waiting); err != nil {
		return fmt.Errorf("jobs: count features: %w", err)
	}
	if waiting >= fillBatch/2 {
		return nil
	}

	n, err := w.Registry.Backfill(ctx, fillBatch)
	if n > 0 {
		w.Log.InfoContext(ctx, "features of stored pictures are being made", "pictures", n)
	}
	return err
}
