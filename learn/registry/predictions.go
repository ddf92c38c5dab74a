package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db"
	"inlet/learn"
	"inlet/stats"
)

const (
	// A label whose probability is below this one is not stored, unless it is the
	// likeliest.
	minStored = 0.005

	forgetQuery = `DELETE FROM predictions WHERE image_id = ANY($1)`

	predictQuery = `
		INSERT INTO predictions (image_id, rank, label, probability, model, uncertainty)
		SELECT p.image_id, p.rank, p.label, p.probability, $5, p.uncertainty
		  FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::real[], $6::real[]) AS p (image_id, rank, label, probability, uncertainty)
		  JOIN features f ON f.image_id = p.image_id`

	// A promotion waits until the predictions of its predecessor are written.
	servesQuery = `SELECT FROM models WHERE version = $1 AND serving FOR SHARE`

	// Ids grow with time, so the newest come first.
	outdatedQuery = `
		SELECT f.image_id, f.vector FROM features f
		 WHERE f.image_id < $1 AND f.extractor = $2 AND octet_length(f.vector) = $5
		   AND NOT EXISTS (SELECT FROM predictions p WHERE p.image_id = f.image_id AND p.rank = 1 AND p.model = $3)
		 ORDER BY f.image_id DESC LIMIT $4`

	progressQuery = `
		SELECT (SELECT count(*) FROM predictions WHERE rank = 1 AND model = (SELECT version FROM models WHERE serving)),
		       (SELECT count(*) FROM features WHERE extractor = $1 AND vector IS NOT NULL)`

	likeliestQuery = `SELECT label FROM predictions WHERE image_id = $1 AND rank = 1`
)

// SQL is how lists and documents of package catalog see the predictions.
func SQL() catalog.Predictions {
	return catalog.Predictions{
		Of:        `ARRAY(SELECT (p.label, p.probability, p.model) FROM predictions p WHERE p.image_id = i.id ORDER BY p.rank)`,
		Likely:    `SELECT m.image_id FROM predictions m WHERE m.label = ? AND (m.rank = 1 OR m.probability >= 0.5)`,
		AtLeast:   `SELECT m.image_id FROM predictions m WHERE m.label = ? AND m.probability >= ?::real`,
		Uncertain: `SELECT image_id, uncertainty FROM predictions WHERE rank = 1`,
	}
}

// page is how many pictures are predicted in one transaction, and breath the pause
// between two pages: others want the database too.
const (
	page   = 500
	breath = 20 * time.Millisecond
)

// predicted is what a model says of a picture.
type predicted struct {
	id     ID
	labels []learn.Prediction
}

// predictNew predicts for a picture whose features have just been made, and tells
// the live feed. After a promotion in between, the model's own predictAll predicts.
func (s *Service) predictNew(ctx context.Context, id ID, vector []int8) error {
	serving, err := s.current(ctx)
	if err != nil || serving == nil {
		return ignoring(err, ErrExtractor)
	}
	all, err := s.predict(ctx, serving, []ID{id}, map[ID][]int8{id: vector})
	if err != nil {
		return err
	}
	if err := s.put(ctx, serving, all); err != nil {
		return ignoring(err, errDemoted)
	}

	told := stats.Prediction{ID: id, Predictions: make([]stats.PredictedLabel, 0, len(all[0].labels))}
	for _, p := range all[0].labels {
		told.Predictions = append(told.Predictions, stats.PredictedLabel{Label: p.Label, Probability: p.Probability, Model: serving.Version.String()})
	}
	s.Stats.Predicted(ctx, told)

	return nil
}

// PredictAll predicts with a model for the pictures below an id that have features and
// no prediction of it, the newest first, for about the time most. It returns the last
// id, below which the next call goes on; more is false at the end, and where the model
// does not serve any more.
func (s *Service) PredictAll(ctx context.Context, version catalog.Version, below ID, most time.Duration) (last ID, more bool, err error) {
	for end := time.Now().Add(most); time.Now().Before(end); {
		serving, err := s.current(ctx)
		if err != nil || serving == nil || serving.Version != version {
			return below, false, ignoring(err, ErrExtractor)
		}
		ids, err := s.predictPage(ctx, serving, below)
		if errors.Is(err, errDemoted) {
			return below, false, nil
		}
		if err != nil || len(ids) == 0 {
			return below, false, err
		}
		below = ids[len(ids)-1]

		s.Yield(ctx)
		select {
		case <-ctx.Done():
			return below, true, ctx.Err()
		case <-time.After(breath):
		}
	}

	return below, true, nil
}

// predictPage predicts for the next pictures that the model has not seen.
func (s *Service) predictPage(ctx context.Context, serving *Serving, below ID) ([]ID, error) {
	ids, vectors, err := s.outdated(ctx, serving, below)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	all, err := s.predict(ctx, serving, ids, vectors)
	if err != nil {
		return nil, err
	}

	return ids, s.put(ctx, serving, all)
}

// outdated reads the next pictures that the model has not seen.
func (s *Service) outdated(ctx context.Context, serving *Serving, below ID) (ids []ID, vectors map[ID][]int8, err error) {
	rows, err := s.Pool.Query(ctx, outdatedQuery, below, s.Extractor.Version(), int(serving.Version), page, s.Extractor.Dims())
	if err != nil {
		return nil, nil, fmt.Errorf("read features: %w", err)
	}
	vectors = map[ID][]int8{}
	var id ID
	var vector []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &vector}, func() error {
		ids, vectors[id], vector = append(ids, id), asInts(vector), nil
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read features: %w", err)
	}

	return ids, vectors, nil
}

// predict asks the model about pictures. For a picture that it learnt from, and for
// one that resembles such a picture, the weights that have not seen it answer.
func (s *Service) predict(ctx context.Context, serving *Serving, ids []ID, vectors map[ID][]int8) ([]predicted, error) {
	near, err := s.Catalog.NearOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	start := s.Now()

	all := make([]predicted, len(ids))
	for i, id := range ids {
		fold := serving.Model.Fold(id)
		for _, other := range near[id] {
			if fold < 0 {
				fold = serving.Model.Fold(other)
			}
		}
		all[i] = predicted{id, serving.Model.Predict(vectors[id], fold)}
	}
	s.metrics.predicted(len(ids), s.Now().Sub(start))

	return all, nil
}

// errDemoted says that another model serves by now.
var errDemoted = errors.New("another model serves")

// put stores predictions in the place of earlier ones. Pictures that are deleted
// meanwhile have none. It stores nothing, and returns errDemoted, where the model does
// not serve any more: its predictions would stay in the place of newer ones.
func (s *Service) put(ctx context.Context, serving *Serving, all []predicted) error {
	var ids, of []ID
	var ranks []int16
	var labels []string
	var probabilities []float32
	var uncertainties []*float32
	for _, p := range all {
		ids = append(ids, p.id)
		for i, l := range p.labels {
			if i > 0 && l.Probability < minStored {
				break
			}
			var uncertainty *float32
			if i == 0 {
				u := learn.Uncertainty(p.labels)
				uncertainty = &u
			}
			of, ranks, labels = append(of, p.id), append(ranks, int16(i+1)), append(labels, l.Label)
			probabilities, uncertainties = append(probabilities, l.Probability), append(uncertainties, uncertainty)
		}
	}

	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		// Rows of a picture that is being deleted would fail the whole page.
		if err := catalog.LockShared(ctx, tx, ids); err != nil {
			return err
		}
		if tag, err := tx.Exec(ctx, servesQuery, int(serving.Version)); err != nil || tag.RowsAffected() == 0 {
			return cmp.Or(err, errDemoted)
		}
		var batch pgx.Batch
		batch.Queue(forgetQuery, ids)
		batch.Queue(predictQuery, of, ranks, labels, probabilities, int(serving.Version), uncertainties)

		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return fmt.Errorf("store predictions: %w", err)
	}

	return nil
}

// Progress is how many pictures the serving model has predicted for, and how many
// have features.
type Progress struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
}

// Progress counts the predictions of the serving model. With a million pictures it is
// some seconds old.
func (s *Service) Progress(ctx context.Context) (Progress, error) {
	return s.progress.get(ctx, func(ctx context.Context) (p Progress, err error) {
		if err := s.Pool.QueryRow(ctx, progressQuery, s.Extractor.Version()).Scan(&p.Done, &p.Total); err != nil {
			return Progress{}, fmt.Errorf("count predictions: %w", err)
		}

		return p, nil
	})
}

// Accept makes a label of a picture out of its likeliest prediction, or of the given
// one. It returns all labels that the picture has then.
func (s *Service) Accept(ctx context.Context, id ID, label string) ([]string, error) {
	if label == "" {
		img, err := s.Catalog.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		found, err := db.Collect[string](ctx, s.Pool, likeliestQuery, img.ID)
		if err != nil {
			return nil, fmt.Errorf("read a prediction: %w", err)
		}
		if len(found) == 0 {
			return nil, ErrNoPrediction
		}
		label = found[0]
	}

	return s.Catalog.AddLabel(ctx, id, label)
}
