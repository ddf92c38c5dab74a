package jobs

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// mergeTime bounds one comparison, which may decode two pictures of slow formats.
const mergeTime = 5 * time.Minute

// merge compares two stored pictures, and merges one into the other where it is a
// copy.
type merge struct {
	First  uuid.UUID `json:"first"`
	Second uuid.UUID `json:"second"`
}

// Kind implements river.JobArgs.
func (merge) Kind() string { return "merge" }

// KindAliases implements river.JobArgsWithKindAliases.
func (merge) KindAliases() []string { return []string{"fold"} }

const (
	// mergeQueue keeps many comparisons from holding up other work.
	mergeQueue = "merge"
	// foldQueue is where replicas of the release before enqueue comparisons.
	foldQueue = "fold"
)

// InsertOpts implements river.JobArgsWithInsertOpts.
func (merge) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: mergeQueue} }

// mergeWorker runs merge jobs.
type mergeWorker struct {
	river.WorkerDefaults[merge]
	w *Workers
}

// Timeout implements river.Worker.
func (mergeWorker) Timeout(*river.Job[merge]) time.Duration { return mergeTime }

// Work implements river.Worker.
func (m mergeWorker) Work(ctx context.Context, job *river.Job[merge]) error {
	return m.w.Uploads.Compare(ctx, job.Args.First, job.Args.Second)
}

// Compare enqueues the comparison of each pair in tx.
func (e *Enqueuer) Compare(ctx context.Context, tx pgx.Tx, pairs [][2]uuid.UUID) error {
	if len(pairs) == 0 {
		return nil
	}

	params := make([]river.InsertManyParams, len(pairs))
	for i, p := range pairs {
		params[i].Args = merge{p[0], p[1]}
	}
	_, err := e.river.InsertManyFastTx(ctx, tx, params)
	return err
}
