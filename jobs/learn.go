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
	"github.com/riverqueue/river/rivertype"

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
	// predictAll predicts for all pictures that the serving model has not seen.
	predictAll struct{}
)

// Kind implements river.JobArgs.
func (describe) Kind() string { return "features" }

// Kind implements river.JobArgs.
func (train) Kind() string { return "train" }

// Kind implements river.JobArgs.
func (predictAll) Kind() string { return "predict_all" }

const (
	// featuresQueue holds one job a picture, and trainQueue those that take minutes.
	featuresQueue = "features"
	trainQueue    = "train"

	describeTime = time.Minute
	trainTime    = time.Hour
	// predictSlice is how long one run of predictAll works. Its successor of a dead
	// worker begins a minute later.
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

// InsertOpts implements river.JobArgsWithInsertOpts. A running job is unique too: it
// follows a promotion by itself.
func (predictAll) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: trainQueue, UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// describeWorker runs describe jobs.
type describeWorker struct {
	river.WorkerDefaults[describe]
	w *Workers
}

// Timeout implements river.Worker.
func (describeWorker) Timeout(*river.Job[describe]) time.Duration { return describeTime }

// Work implements river.Worker. The job that decodes a slow format enqueues this one
// anew.
func (d describeWorker) Work(ctx context.Context, job *river.Job[describe]) error {
	if err := d.w.computing.Acquire(ctx, 1); err != nil {
		return err
	}
	defer d.w.computing.Release(1)

	err := d.w.Registry.Describe(ctx, job.Args.ImageID)
	if errors.Is(err, imaging.ErrNotReady) {
		return nil
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

// Work implements river.Worker.
func (t trainWorker) Work(ctx context.Context, job *river.Job[train]) error {
	return t.w.Registry.Train(ctx, job.Args.Request)
}

// predictWorker runs predictAll jobs.
type predictWorker struct {
	river.WorkerDefaults[predictAll]
	w *Workers
}

// Work implements river.Worker.
func (p predictWorker) Work(ctx context.Context, _ *river.Job[predictAll]) error {
	more, err := p.w.Registry.PredictAll(ctx, predictSlice)
	if err == nil && more {
		err = river.JobSnooze(0)
	}
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

// PredictAll enqueues the prediction for all pictures, unless it is enqueued already.
func (e *Enqueuer) PredictAll(ctx context.Context) error {
	if _, err := e.river.Insert(ctx, predictAll{}, nil); err != nil {
		return fmt.Errorf("jobs: enqueue predictions: %w", err)
	}
	return nil
}

// fillBatch is how many pictures without features are enqueued at once, and most is
// how many may wait before.
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

	n, err := w.Registry.FillFeatures(ctx, fillBatch)
	if n > 0 {
		w.Log.InfoContext(ctx, "features of stored pictures are being made", "pictures", n)
	}
	return err
}
