package catalog_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/catalog"
	"inlet/learn/registry"
)

// manyPredictions is a service with many images, a model's predictions for each, and
// labels and flags on some; and what the service sends.
func manyPredictions(t *testing.T) (*catalog.Service, *pgxpool.Pool, *sent) {
	t.Helper()
	_, pool, _ := manyImages(t, 30_000)
	for _, query := range []string{
		// Many pictures are equally uncertain. More are common than a page gathers.
		`INSERT INTO predictions (image_id, rank, label, probability, model, uncertainty)
			SELECT id, rank, CASE WHEN rank > 1 THEN 'other ' || rank WHEN n % 200 = 0 THEN 'rare' ELSE 'common' END,
			       (1 - n % 100 / 1000.0) / rank, 1, CASE rank WHEN 1 THEN n % 10 / 10.0 END
			  FROM (SELECT id, row_number() OVER () AS n FROM images) i, generate_series(1, 3) rank`,
		`INSERT INTO labels SELECT id, 'cat' FROM images WHERE random() < 0.1`,
		`UPDATE images SET flags = '{small,blurry}' WHERE id IN (SELECT id FROM images ORDER BY id LIMIT 300)`,
		`VACUUM ANALYZE`,
	} {
		_, err := pool.Exec(t.Context(), query)
		must(t, err)
	}

	queries := &sent{}
	cfg := pool.Config()
	cfg.ConnConfig.Tracer = queries
	traced, err := pgxpool.NewWithConfig(t.Context(), cfg)
	must(t, err)
	t.Cleanup(traced.Close)

	return catalog.New(catalog.Options{Pool: traced, Predictions: registry.SQL()}), pool, queries
}

// plans explains the queries, and forgets them.
func plans(t *testing.T, pool *pgxpool.Pool, queries *sent) string {
	t.Helper()
	var all strings.Builder
	for _, q := range *queries {
		if !strings.HasPrefix(strings.TrimSpace(q.SQL), "SELECT") {
			continue
		}
		rows, err := pool.Query(t.Context(), `EXPLAIN `+q.SQL, q.Args...)
		must(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		all.WriteString(q.SQL + "\n" + strings.Join(plan, "\n") + "\n")
	}
	*queries = nil

	return all.String()
}

// grows is a plan that reads all images, or the likeliest label of each, or sorts all
// that match.
var grows = regexp.MustCompile(`Seq Scan on (images|predictions)|Bitmap Index Scan on predictions_(model|uncertain)|Gather|Incremental Sort`)

// What a page of the labelling queue and of the filters reads does not grow with
// the number of images.
func TestLearningGoesByIndexes(t *testing.T) {
	t.Parallel()
	s, pool, queries := manyPredictions(t)
	no := false
	tests := map[string]struct {
		filter catalog.Filter
		index  string // that the labelling queue goes by
	}{
		"all":              {catalog.Filter{}, "predictions_uncertain"},
		"common":           {catalog.Filter{Predicted: "common"}, "predictions_uncertain"},
		"rare":             {catalog.Filter{Predicted: "rare"}, "predictions_likely"},
		"common, certain":  {catalog.Filter{Predicted: "common", MinProbability: 0.9}, "predictions_uncertain"},
		"common, at least": {catalog.Filter{Predicted: "common", MinProbability: 0.999}, "predictions_label"},
		"unlabelled":       {catalog.Filter{Labelled: &no}, "predictions_uncertain"},
		"flag":             {catalog.Filter{Flag: "blurry"}, "images_flags"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			*queries = nil
			found, err := s.Uncertain(t.Context(), test.filter, 100)
			if err != nil || len(found) == 0 {
				t.Errorf("%d uncertain images, %v", len(found), err)
			}
			if plan := plans(t, pool, queries); !strings.Contains(plan, test.index) || grows.MatchString(plan) {
				t.Errorf("the labelling queue goes by\n%s", plan)
			}

			_, _, err = s.List(t.Context(), test.filter, 50, "")
			must(t, err)
			if plan := plans(t, pool, queries); grows.MatchString(plan) {
				t.Errorf("the list goes by\n%s", plan)
			}
		})
	}
}

// Whatever walks the images may take the time of a walk.
func TestWalksHaveTime(t *testing.T) {
	t.Parallel()
	_, pool, _ := manyImages(t, 10)
	queries := &sent{}
	cfg := pool.Config()
	cfg.ConnConfig.Tracer = queries
	traced, err := pgxpool.NewWithConfig(t.Context(), cfg)
	must(t, err)
	t.Cleanup(traced.Close)
	s, no := catalog.New(catalog.Options{Pool: traced}), false
	walk := catalog.Filter{Labelled: &no}
	for name, run := range map[string]func() error{
		"List": func() error {
			_, _, err := s.List(t.Context(), walk, 10, "")
			return err
		},
		"Uncertain": func() error {
			_, err := s.Uncertain(t.Context(), walk, 10)
			return err
		},
		"EachBatch": func() error { return s.EachBatch(t.Context(), walk, func([]uuid.UUID) error { return nil }) },
	} {
		*queries = nil
		must(t, run())
		if !slices.ContainsFunc(*queries, func(q pgx.TraceQueryStartData) bool { return strings.HasPrefix(q.SQL, "SET LOCAL statement_timeout") }) {
			t.Errorf("%s does not raise the time of its statement", name)
		}
	}
}
