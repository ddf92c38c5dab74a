package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"inlet/problem"
)

// ErrNoJob says that there is no such job, or no use in running it again.
var ErrNoJob = problem.New(problem.NotFound, "there is no such job, or it is done")

const lockStateQuery = `SELECT state FROM river_job WHERE id = $1 FOR UPDATE`

// Count is how many jobs of a kind are in a state.
type Count struct {
	Kind  string `json:"kind"`
	State string `json:"state"`
	Jobs  int64  `json:"jobs"`
	// OldestS is how long the oldest one has waited since it may run, in seconds; 0
	// where none may yet.
	OldestS float64 `json:"oldest_s"`
}

// Job is one job of the queue.
type Job struct {
	ID        int64     `json:"id"`
	Kind      string    `json:"kind"`
	State     string    `json:"state"`
	Attempt   int       `json:"attempt"`
	Attempts  int       `json:"max_attempts"`
	CreatedAt time.Time `json:"created_at"`
	At        time.Time `json:"scheduled_at"` // of the next try
	Error     string    `json:"error"`        // of the last try
}

// countMost bounds the cost of a count: the jobs of one state.
const countMost = 100_000

// Each state is one range of the index by which River fetches. The query does not
// read completed jobs, which are nearly all. A job that runs later has not waited.
const queueQuery = `
	SELECT kind, state::text, count(*), greatest(0, extract(epoch FROM now() - min(scheduled_at)))::float8
	FROM unnest($1::text[]::river_job_state[]) AS wanted(s),
		LATERAL (SELECT kind, state, scheduled_at FROM river_job WHERE state = wanted.s LIMIT $2) AS waiting
	GROUP BY kind, state ORDER BY kind, state`

// series is jobs of a kind in a state.
type series struct{ kind, state string }

// countJobs counts the jobs that are not done, by kind and state. Jobs that bear an
// earlier name of their kind count as that kind.
func countJobs(ctx context.Context, pool *pgxpool.Pool) ([]Count, error) {
	rows, err := pool.Query(ctx, queueQuery, unfinished(), countMost)
	if err != nil {
		return nil, fmt.Errorf("jobs: count the queue: %w", err)
	}
	all, at := []Count{}, map[series]int{}
	var c Count
	_, err = pgx.ForEachRow(rows, []any{&c.Kind, &c.State, &c.Jobs, &c.OldestS}, func() error {
		c.Kind = kindOf(c.Kind)
		i, known := at[series{c.Kind, c.State}]
		if !known {
			at[series{c.Kind, c.State}] = len(all)
			all = append(all, c)
			return nil
		}
		all[i].Jobs += c.Jobs
		all[i].OldestS = max(all[i].OldestS, c.OldestS)

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: count the queue: %w", err)
	}

	return all, nil
}

// Counts counts the jobs that are not done, by kind and state.
func (e *Enqueuer) Counts(ctx context.Context) ([]Count, error) { return countJobs(ctx, e.pool) }

// Troubled lists jobs that run, that failed and will be tried again, and that were
// given up: the latest hundred.
func (e *Enqueuer) Troubled(ctx context.Context) ([]Job, error) {
	list, err := e.river.JobList(ctx, river.NewJobListParams().
		States(rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateDiscarded).
		OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(100))
	if err != nil {
		return nil, fmt.Errorf("jobs: list: %w", err)
	}

	all := make([]Job, 0, len(list.Jobs))
	for _, row := range list.Jobs {
		all = append(all, jobOf(row))
	}

	return all, nil
}

func jobOf(row *rivertype.JobRow) Job {
	j := Job{
		ID: row.ID, Kind: kindOf(row.Kind), State: string(row.State), Attempt: row.Attempt, Attempts: row.MaxAttempts,
		CreatedAt: row.CreatedAt.UTC(), At: row.ScheduledAt.UTC(),
	}
	if n := len(row.Errors); n > 0 {
		j.Error = row.Errors[n-1].Error
	}

	return j
}

// Retry has a job run again at once. It fails with ErrNoJob for a completed one.
func (e *Enqueuer) Retry(ctx context.Context, id int64) (Job, error) {
	var row *rivertype.JobRow
	err := pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) (err error) {
		// The lock keeps a running job from completing before River looks at it.
		var state rivertype.JobState
		if err := tx.QueryRow(ctx, lockStateQuery, id).Scan(&state); err != nil {
			return err
		}
		if state == rivertype.JobStateCompleted {
			return ErrNoJob
		}

		row, err = e.river.JobRetryTx(ctx, tx, id)
		return err
	})
	switch {
	case errors.Is(err, ErrNoJob), errors.Is(err, pgx.ErrNoRows), errors.Is(err, river.ErrNotFound):
		return Job{}, ErrNoJob
	case err != nil:
		return Job{}, fmt.Errorf("jobs: retry: %w", err)
	}

	return jobOf(row), nil
}
