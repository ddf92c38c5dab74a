package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// conditions are those of the filter on the image i, but for the link, the label
// and the flag, for which there are two ways.
func (f Filter) conditions() (c conditions) {
	if f.Format != "" {
		c.and(`i.format = ?`, f.Format)
	}
	if f.Camera != "" {
		c.and(`lower(i.camera) = lower(?)`, f.Camera)
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
	for _, m := range []struct{ members, value, id string }{
		{throughLink, f.Link, "m.image_id"}, {withLabel, f.Label, "m.image_id"}, {withFlag, f.Flag, "m.id"},
	} {
		if m.value == "" {
			continue
		}
		var n int
		count := conditions{}
		count.and(`SELECT count(*) FROM (`+m.members+` LIMIT ?) AS them`, m.value, gatherLimit+1)
		if err := s.Read.QueryRow(ctx, count.clauses[0], count.args...).Scan(&n); err != nil {
			return c, fmt.Errorf("count a filter's images: %w", err)
		}
		if n <= gatherLimit {
			c.and(`i.id IN (`+m.members+` OFFSET 0)`, m.value)
		} else {
			c.and(`EXISTS (`+m.members+` AND `+m.id+` = i.id OFFSET 0)`, m.value)
			c.walks = true
		}
	}

	return c, nil
}

// after adds, in a copy, that images follow a position.
func (c conditions) after(p *position) conditions {
	if p != nil {
		c.clauses, c.args = slices.Clone(c.clauses), slices.Clone(c.args)
		c.and(`(i.uploaded_at, i.id) < (?, ?)`, p.uploadedAt, p.id)
	}

	return c
}
