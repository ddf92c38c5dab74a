package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// conditions make a WHERE clause.
type conditions struct {
	clauses []string
	args    []any
	// walks says that Postgres may read image after image to find those that
	// match.
	walks bool
}

// and adds a condition; each ? in it stands for the next value.
func (c *conditions) and(clause string, values ...any) {
	for _, value := range values {
		c.args = append(c.args, value)
		clause = strings.Replace(clause, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	c.clauses = append(c.clauses, clause)
}

func (c conditions) where() string {
	if len(c.clauses) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.clauses, " AND ")
}

// Predictions are what a model says of the images: SQL that package learn/registry
// owns. Without it there is no model, and no image has a prediction.
type Predictions struct {
	// Of is an array of the rows (label, probability, model) of the image i, the
	// likeliest first.
	Of string
	// Likely and AtLeast select the ids m.image_id of images that have a label
	// predicted; each ? in them stands for the label, and in AtLeast for the smallest
	// probability.
	Likely, AtLeast string
	// Uncertain selects image_id and uncertainty of all images with a prediction.
	Uncertain string
}

// none are the predictions of a service without a model.
var none = Predictions{
	Of:        `ARRAY(SELECT (''::text, 0::real, 0) WHERE false)`,
	Likely:    `SELECT m.image_id FROM labels m WHERE false AND m.label = ?`,
	AtLeast:   `SELECT m.image_id FROM labels m WHERE false AND m.label = ? AND 0 = ?::real`,
	Uncertain: `SELECT NULL::uuid AS image_id, 0::real AS uncertainty WHERE false`,
}

// members is a part of a filter that selects images by rows for which there is an
// index. Each ? in query stands for the next value; id is the column of the image.
type members struct {
	query  string
	id     string
	values []any
}

func (s *Service) members(f Filter) (all []members) {
	if f.Link != "" {
		all = append(all, members{throughLink, "m.image_id", []any{f.Link}})
	}
	if f.Label != "" {
		all = append(all, members{withLabel, "m.image_id", []any{f.Label}})
	}
	if f.Flag != "" {
		all = append(all, members{withFlag, "m.id", []any{f.Flag}})
	}
	switch {
	case f.Predicted != "" && f.MinProbability > 0:
		all = append(all, members{s.Predictions.AtLeast, "m.image_id", []any{f.Predicted, f.MinProbability}})
	case f.Predicted != "":
		all = append(all, members{s.Predictions.Likely, "m.image_id", []any{f.Predicted}})
	}

	return all
}

// conditions are those of the filter on the image i, but for its members, for which
// there are two ways.
func (f Filter) conditions() (c conditions) {
	if f.Format != "" {
		c.and(`i.format = ?`, f.Format)
	}
	if f.Camera != "" {
		c.and(`lower(i.camera) = lower(?)`, f.Camera)
	}
	if f.Labelled != nil {
		// Postgres joins for EXISTS and NOT EXISTS, but not for a comparison with them.
		labelled := `EXISTS (SELECT FROM labels l WHERE l.image_id = i.id)`
		if !*f.Labelled {
			labelled = `NOT ` + labelled
		}
		c.and(labelled)
		c.walks = true
	}
	if !f.From.IsZero() {
		c.and(`i.uploaded_at >= ?`, f.From)
	}
	if !f.To.IsZero() {
		c.and(`i.uploaded_at < ?`, f.To)
	}
	if b := f.BBox; b != nil {
		c.and(`i.latitude BETWEEN ? AND ?`, b[1], b[3])
		if b[0] <= b[2] {
			c.and(`i.longitude BETWEEN ? AND ?`, b[0], b[2])
		} else {
			c.and(`(i.longitude >= ? OR i.longitude <= ?)`, b[0], b[2])
		}
	}

	return c
}

const (
	throughLink = `SELECT m.image_id FROM uploads m WHERE m.link_id = ?`
	withLabel   = `SELECT m.image_id FROM labels m WHERE m.label = ?`
	// The second condition is that of the index.
	withFlag = `SELECT m.id FROM images m WHERE m.flags @> ARRAY[?::text] AND m.flags <> '{}'`

	// gatherLimit is how many images of a link, label or flag a page gathers: about
	// 100 ms.
	gatherLimit = 20_000
)

// conditions are those of the whole filter. For a small link, label or flag, Postgres gathers its
// images and sorts them; for a large one it walks the list, and asks of each image
// whether it is one. The planner, which hopes to fill the page soon, took
// 7 seconds for a link with 16 of a million images; gathering half a million took
// one for each page. OFFSET 0 keeps the planner from turning the one into the
// other.
func (s *Service) conditions(ctx context.Context, f Filter) (conditions, error) {
	c := f.conditions()
	for _, m := range s.members(f) {
		var n int
		count := conditions{}
		count.and(`SELECT count(*) FROM (`+m.query+` LIMIT ?) AS them`, append(slices.Clone(m.values), gatherLimit+1)...)
		if err := s.Read.QueryRow(ctx, count.clauses[0], count.args...).Scan(&n); err != nil {
			return c, fmt.Errorf("count a filter's images: %w", err)
		}
		if n <= gatherLimit {
			c.and(`i.id IN (`+m.query+` OFFSET 0)`, m.values...)
		} else {
			c.and(`EXISTS (`+m.query+` AND `+m.id+` = i.id OFFSET 0)`, m.values...)
			c.walks = true
		}
	}

	return c, nil
}

// walkTime bounds a query for which Postgres reads image after image: 7 s a million.
const walkTime = "60s"

// find runs a query whose WHERE clause is c. One that walks has walkTime, any other
// the time of the pool.
func find[T any](ctx context.Context, pool *pgxpool.Pool, query string, c conditions, collect func(pgx.Rows, error) ([]T, error)) (found []T, err error) {
	if !c.walks {
		return collect(pool.Query(ctx, query, c.args...))
	}

	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '`+walkTime+`'`); err != nil {
			return err
		}
		found, err = collect(tx.Query(ctx, query, c.args...))
		return err
	})

	return found, err
}

// after adds, in a copy, that images follow a position.
func (c conditions) after(p *position) conditions {
	if p != nil {
		c.clauses, c.args = slices.Clone(c.clauses), slices.Clone(c.args)
		c.and(`(i.uploaded_at, i.id) < (?, ?)`, p.uploadedAt, p.id)
	}

	return c
}
