package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db"
	"inlet/learn/features"
)

const (
	// beat is how often a training says that it lives, and dead the silence after
	// which it does not.
	beat = 2 * time.Second
	dead = 15 * time.Second
	// idle is after how long a training that waits for a worker is enqueued again: its
	// job may be lost.
	idle = 10 * time.Minute
	// maxAttempts is how often a training begins that never ends: it may be what
	// kills its worker.
	maxAttempts = 5
)

// Request identifies a training that was asked for.
type Request struct {
	ID uuid.UUID `json:"request"`
}

// Training is the training that was asked for or runs, and what is known of the last
// one.
type Training struct {
	Request     *uuid.UUID `db:"request"` // nil: none is asked for
	RequestedAt *time.Time `db:"requested_at"`
	StartedAt   *time.Time `db:"started_at"` // nil while it waits for a worker
	Stage       string     `db:"stage"`
	Progress    float64    `db:"progress"` // of the whole, 0 to 1
	Considered  time.Time  `db:"considered_at"`
	LabelsAt    time.Time  `db:"labels_at"`
	LabelsRead  int64      `db:"labels_read"`

	// The last training: its request, the model that it stored (nil: none), and its
	// outcome for people.
	EndedAt      *time.Time       `db:"ended_at"`
	EndedRequest *uuid.UUID       `db:"ended_request"`
	EndedModel   *catalog.Version `db:"ended_model"`
	Outcome      string           `db:"outcome"`
}

const (
	trainingQuery = `
		SELECT request, requested_at, started_at, stage, progress::float8 AS progress, considered_at,
		       CASE WHEN isfinite(labels_at) THEN labels_at ELSE 'epoch' END AS labels_at, labels_read,
		       ended_at, ended_request, ended_model, outcome
		  FROM training`

	requestQuery = `
		UPDATE training SET request = $1, requested_at = clock_timestamp(), attempts = 0, holder = NULL, started_at = NULL,
		       beat_at = clock_timestamp(), stage = 'waiting', progress = 0
		 WHERE request IS NULL`

	// The guard is the lease: of two that claim at once, one changes the row.
	claimQuery = `
		UPDATE training SET holder = $2, started_at = coalesce(started_at, clock_timestamp()), beat_at = clock_timestamp(),
		       attempts = attempts + 1, stage = 'reading', progress = 0
		 WHERE request = $1 AND (holder IS NULL OR beat_at < clock_timestamp() - $3::interval)`

	beatQuery = `UPDATE training SET beat_at = clock_timestamp(), stage = $2, progress = $3 WHERE holder = $1`

	endQuery = `
		UPDATE training SET request = NULL, holder = NULL, started_at = NULL, stage = '', progress = 0,
		       labels_at = $2, labels_read = $3, ended_at = clock_timestamp(), ended_request = request, ended_model = $5, outcome = $4
		 WHERE holder = $1`

	// A failed try leaves the request for the next one. One that was cut off does not
	// count.
	releaseQuery = `
		UPDATE training SET holder = NULL, stage = 'waiting', progress = 0, attempts = attempts - CASE WHEN $2 THEN 1 ELSE 0 END
		 WHERE holder = $1`

	lostQuery = `
		UPDATE training SET holder = NULL, beat_at = clock_timestamp(), stage = 'waiting', progress = 0
		 WHERE request IS NOT NULL AND attempts < $3
		   AND beat_at < clock_timestamp() - CASE WHEN holder IS NULL THEN $2::interval ELSE $1::interval END
		RETURNING request`

	giveUpQuery = `
		UPDATE training SET request = NULL, holder = NULL, started_at = NULL, stage = '', progress = 0,
		       ended_at = clock_timestamp(), ended_request = request, ended_model = NULL,
		       outcome = 'the training was given up: it failed ' || attempts || ' times'
		 WHERE request IS NOT NULL AND beat_at < clock_timestamp() - $1::interval AND attempts >= $2`

	// The versions are few: each is the first of the index beyond the one before.
	versionsQuery = `
		WITH RECURSIVE v AS (
			(SELECT extractor FROM features WHERE vector IS NOT NULL ORDER BY extractor LIMIT 1)
			UNION ALL
			SELECT (SELECT f.extractor FROM features f WHERE f.vector IS NOT NULL AND f.extractor > v.extractor ORDER BY f.extractor LIMIT 1)
			  FROM v WHERE v.extractor IS NOT NULL
		)
		SELECT extractor FROM v WHERE extractor IS NOT NULL`

	outdatedModelQuery = `SELECT EXISTS (SELECT FROM models WHERE serving AND extractor <> $1)`

	considerQuery = `UPDATE training SET considered_at = clock_timestamp() WHERE considered_at < clock_timestamp() - $1::interval`
)

// Training reads the state of the training.
func (s *Service) Training(ctx context.Context) (Training, error) {
	rows, err := s.Pool.Query(ctx, trainingQuery)
	if err != nil {
		return Training{}, fmt.Errorf("read the state of the training: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Training])
	if err != nil {
		return Training{}, fmt.Errorf("read the state of the training: %w", err)
	}

	return t, nil
}

// RequestTraining asks for a training. Where one has been asked for already it returns
// ErrTraining and the state of that one. Where the labels do not suffice its error says
// what is missing.
func (s *Service) RequestTraining(ctx context.Context) (Training, error) {
	if err := s.enoughLabels(ctx); err != nil {
		return Training{}, err
	}

	request := Request{uuid.Must(uuid.NewV7())}
	tag, err := s.Pool.Exec(ctx, requestQuery, request.ID)
	if err != nil {
		return Training{}, fmt.Errorf("ask for a training: %w", err)
	}
	asked := tag.RowsAffected() > 0
	if asked {
		// A process that dies here loses no request: Revive finds it.
		if err := s.Later.Train(ctx, request); err != nil {
			return Training{}, err
		}
	}
	t, err := s.Training(ctx)
	if err == nil && !asked {
		err = ErrTraining
	}

	return t, err
}

// Consider asks for a training if it is time to look, and enough labels have changed
// since the last one: an eighth of them, or as many as a label needs pictures. It
// also asks for one where the serving model reads features of an earlier version.
func (s *Service) Consider(ctx context.Context) error {
	if s.TrainEvery <= 0 {
		return nil
	}
	tag, err := s.Pool.Exec(ctx, considerQuery, s.TrainEvery)
	if err != nil {
		return fmt.Errorf("consider a training: %w", err)
	}
	if tag.RowsAffected() == 0 { // too early, or another process has looked
		return nil
	}

	t, err := s.Training(ctx)
	if err != nil {
		return err
	}
	changed, err := s.labelsChanged(ctx, t)
	if err != nil {
		return err
	}
	if err := s.outranked(ctx); err != nil {
		return ignoring(err, ErrOutranked)
	}
	var outdated bool
	if err := s.Pool.QueryRow(ctx, outdatedModelQuery, s.Extractor.Version()).Scan(&outdated); err != nil {
		return fmt.Errorf("consider a training: %w", err)
	}
	if !outdated && changed < max(int64(s.MinImages), t.LabelsRead/8) {
		return nil
	}
	_, err = s.RequestTraining(ctx)
	if errors.Is(err, ErrTraining) || errors.Is(err, errTooFew) {
		return nil
	}

	return err
}

// LabelsChanged is how many labels were set or taken away since the last training.
// With a million labels it is some seconds old.
func (s *Service) LabelsChanged(ctx context.Context, t Training) (int64, error) {
	return s.changed.get(ctx, func(ctx context.Context) (int64, error) { return s.labelsChanged(ctx, t) })
}

func (s *Service) labelsChanged(ctx context.Context, t Training) (int64, error) {
	newer, older, _, err := s.Catalog.LabelChanges(ctx, t.LabelsAt)
	if err != nil {
		return 0, err
	}
	// More older ones than the training read: it had no features for some.
	missed := max(t.LabelsRead-older, older-t.LabelsRead)

	return newer + missed, nil
}

// outranked returns ErrOutranked where stored features are of a better version than
// this process makes.
func (s *Service) outranked(ctx context.Context) error {
	versions, err := db.Collect[string](ctx, s.Pool, versionsQuery)
	if err != nil {
		return fmt.Errorf("look for versions of features: %w", err)
	}
	for _, version := range versions {
		if features.Outranks(version, s.Extractor.Version()) {
			return ErrOutranked
		}
	}

	return nil
}

// NextLook is when a training is considered next; nil: never.
func (s *Service) NextLook(t Training) *time.Time {
	if s.TrainEvery <= 0 {
		return nil
	}
	at := t.Considered.Add(s.TrainEvery).UTC()
	if now := s.Now().UTC(); at.Before(now) { // a worker is about to look, or none runs
		at = now
	}

	return &at
}

// Revive enqueues a training again whose worker has died, and gives one up that
// fails again and again.
func (s *Service) Revive(ctx context.Context) error {
	if _, err := s.Pool.Exec(ctx, giveUpQuery, dead, maxAttempts); err != nil {
		return fmt.Errorf("give a training up: %w", err)
	}
	var request Request
	err := s.Pool.QueryRow(ctx, lostQuery, dead, idle, maxAttempts).Scan(&request.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for a training that died: %w", err)
	}
	s.Log.WarnContext(ctx, "a training is enqueued again: its worker has died, or none has taken it")

	return s.Later.Train(ctx, request)
}
