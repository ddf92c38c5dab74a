package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/learn"
)

// ID of a picture.
type ID = uuid.UUID

// Serving is the model that predicts.
type Serving struct {
	Version catalog.Version
	Model   *learn.Model
}

// Model is a trained model without its weights.
type Model struct {
	Version   catalog.Version `db:"version"`
	TrainedAt time.Time       `db:"trained_at"`
	Extractor string          `db:"extractor"`
	Images    int             `db:"images"`
	Seed      int64           `db:"seed"`
	Metrics   learn.Metrics   `db:"metrics"`
	Promoted  bool            `db:"promoted"`
	Reason    string          `db:"reason"`
	Serving   bool            `db:"serving"`
}

const (
	// maxModels is how many models are stored; the oldest go, but never the serving
	// one.
	maxModels = 50

	// The list leaves out what grows with the square of the labels.
	modelsQuery = `
		SELECT version, trained_at, extractor, images, seed, metrics - '{confusion,curve,calibration}'::text[] AS metrics, promoted, reason, serving
		  FROM models ORDER BY version DESC`

	modelQuery = `
		SELECT version, trained_at, extractor, images, seed, metrics, promoted, reason, serving FROM models WHERE version = $1`

	servingVersionQuery = `SELECT version, extractor FROM models WHERE serving`

	weightsQuery = `SELECT model FROM models WHERE version = $1`

	addModelQuery = `
		INSERT INTO models (extractor, images, seed, metrics, model, promoted, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING version`

	pruneModelsQuery = `
		DELETE FROM models WHERE NOT serving AND version <= (SELECT max(version) FROM models) - $1`

	// One statement each: the unique index allows one serving model at any moment.
	demoteQuery  = `UPDATE models SET serving = false WHERE serving`
	promoteQuery = `UPDATE models SET serving = true, promoted = true, reason = coalesce($2, reason) WHERE version = $1`
)

// Models lists all models, the newest first, without confusion matrix, learning curve
// and calibration.
func (s *Service) Models(ctx context.Context) ([]Model, error) {
	rows, err := s.Pool.Query(ctx, modelsQuery)
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Model])
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}

	return all, nil
}

// Model returns one model.
func (s *Service) Model(ctx context.Context, version catalog.Version) (Model, error) {
	rows, err := s.Pool.Query(ctx, modelQuery, int(version))
	if err != nil {
		return Model{}, fmt.Errorf("read a model: %w", err)
	}
	m, err := pgx.CollectOneRow(rows, pgx.RowToStructByName[Model])
	if errors.Is(err, pgx.ErrNoRows) {
		return Model{}, ErrNoModel
	}
	if err != nil {
		return Model{}, fmt.Errorf("read a model: %w", err)
	}

	return m, nil
}

// Promote serves a model from now on, in every process a second later. It begins to
// predict with it for all pictures.
func (s *Service) Promote(ctx context.Context, version catalog.Version) (Model, error) {
	m, err := s.Model(ctx, version)
	if err != nil {
		return Model{}, err
	}
	if m.Extractor != s.Extractor.Version() {
		return Model{}, ErrExtractor
	}
	if !m.Serving {
		reason := strings.TrimSuffix(m.Reason, byHand) + byHand
		err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error { return s.promote(ctx, tx, version, &reason) })
		if err != nil {
			return Model{}, err
		}
	}

	return s.Model(ctx, version)
}

// byHand is added to the reason of a model that the operator promoted.
const byHand = " Promoted by hand."

// promote makes a model the serving one, and has it predict for all pictures. Two
// promotions at once come one after the other.
func (s *Service) promote(ctx context.Context, tx pgx.Tx, version catalog.Version, reason *string) error {
	if _, err := tx.Exec(ctx, `LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("promote a model: %w", err)
	}
	if _, err := tx.Exec(ctx, demoteQuery); err != nil {
		return fmt.Errorf("promote a model: %w", err)
	}
	tag, err := tx.Exec(ctx, promoteQuery, int(version), reason)
	if err != nil {
		return fmt.Errorf("promote a model: %w", err)
	}
	if tag.RowsAffected() == 0 { // removed meanwhile
		return ErrNoModel
	}

	return s.Later.PredictAll(ctx, tx, version)
}

// addModel stores a trained model.
func addModel(ctx context.Context, tx pgx.Tx, m *learn.Model, row Model) (version catalog.Version, err error) {
	weights, err := m.MarshalBinary()
	if err != nil {
		return 0, fmt.Errorf("encode a model: %w", err)
	}
	metrics, err := json.Marshal(row.Metrics)
	if err != nil {
		return 0, fmt.Errorf("encode a model's metrics: %w", err)
	}

	var n int
	err = tx.QueryRow(ctx, addModelQuery, row.Extractor, row.Images, row.Seed, metrics, weights, row.Promoted, row.Reason).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("store a model: %w", err)
	}
	if _, err := tx.Exec(ctx, pruneModelsQuery, maxModels); err != nil {
		return 0, fmt.Errorf("remove old models: %w", err)
	}

	return catalog.Version(n), nil
}

// refused is a serving model that this process cannot use, and why.
type refused struct {
	version int
	err     error
}

// current returns the serving model, nil where there is none. It returns ErrExtractor
// for one that reads features of another version. It reads the weights only when
// another model serves.
func (s *Service) current(ctx context.Context) (*Serving, error) {
	var n int
	var extractor string
	err := s.Pool.QueryRow(ctx, servingVersionQuery).Scan(&n, &extractor)
	if errors.Is(err, pgx.ErrNoRows) {
		s.use(nil)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the serving model: %w", err)
	}
	if extractor != s.Extractor.Version() {
		s.use(nil)
		return nil, ErrExtractor
	}
	if known := s.serving.Load(); known != nil && int(known.Version) == n {
		return known, nil
	}
	if r := s.refused.Load(); r != nil && r.version == n {
		return nil, r.err
	}

	m, err := s.load(ctx, n)
	if errors.Is(err, errDamaged) {
		s.use(nil)
		s.refused.Store(&refused{n, err})
	}
	if err != nil {
		return nil, err
	}
	serving := &Serving{catalog.Version(n), m}
	s.use(serving)

	return serving, nil
}

// use swaps the model with which this process predicts.
func (s *Service) use(serving *Serving) {
	s.serving.Store(serving)
	s.metrics.serving(serving)
}

// errDamaged says that a stored model cannot be read.
var errDamaged = errors.New("the stored model is damaged")

// load reads a model with its weights.
func (s *Service) load(ctx context.Context, version int) (*learn.Model, error) {
	var weights []byte
	err := s.Pool.QueryRow(ctx, weightsQuery, version).Scan(&weights)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoModel
	}
	if err != nil {
		return nil, fmt.Errorf("read a model: %w", err)
	}
	m, err := learn.Unmarshal(weights)
	if err != nil {
		return nil, fmt.Errorf("%w: v%d: %w", errDamaged, version, err)
	}

	return m, nil
}
