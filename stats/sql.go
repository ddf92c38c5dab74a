package stats

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/link"
)

const (
	formatsQuery = `SELECT format, count(*), sum(bytes)::bigint FROM images GROUP BY format`

	camerasQuery = `SELECT camera, count(*) FROM images WHERE camera IS NOT NULL GROUP BY camera`

	uploadsQuery = `
		SELECT count(*), count(*) FILTER (WHERE status = 'stored'), count(*) FILTER (WHERE status = 'duplicate'),
			(SELECT coalesce(sum(files), 0)::bigint FROM rejections)
		FROM uploads`

	daysQuery = `
		SELECT (uploaded_at AT TIME ZONE 'UTC')::date::text, count(*), count(*) FILTER (WHERE status = 'stored'),
			count(*) FILTER (WHERE status = 'duplicate'), sum(bytes)::bigint
		FROM uploads WHERE uploaded_at >= $1::date::timestamp AT TIME ZONE 'UTC' GROUP BY 1`

	uploadersQuery = `
		SELECT (uploaded_at AT TIME ZONE 'UTC')::date::text, count(DISTINCT client)
		FROM uploads WHERE uploaded_at >= $1::date::timestamp AT TIME ZONE 'UTC' GROUP BY 1`

	clientsQuery = `
		SELECT DISTINCT (uploaded_at AT TIME ZONE 'UTC')::date::text, client
		FROM uploads WHERE uploaded_at >= $1::date::timestamp AT TIME ZONE 'UTC'`

	linksQuery = `
		SELECT link_id, count(*), coalesce(sum(bytes), 0)::bigint, max(uploaded_at) FROM uploads
		WHERE $1::text[] IS NULL OR link_id = ANY($1) GROUP BY link_id`
)

// count counts all but links and clients in SQL: what apply.lua would have
// come to by applying every event. Days before since are left out.
func count(ctx context.Context, q querier, since string) (*tally, error) {
	t := newTally()
	var name string
	var n, bytes int64
	err := each(ctx, q, formatsQuery, nil, []any{&name, &n, &bytes}, func() error {
		t.Formats[name] = n
		t.total(n, bytes)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, camerasQuery, nil, []any{&name, &n}, func() error {
		t.camera(name, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var accepted, stored, duplicates, rejected int64
	if err := q.QueryRow(ctx, uploadsQuery).Scan(&accepted, &stored, &duplicates, &rejected); err != nil {
		return nil, err
	}
	t.uploads(accepted, stored, duplicates, rejected)
	var d Day
	err = each(ctx, q, daysQuery, []any{since}, []any{&d.Date, &d.Accepted, &d.Stored, &d.Duplicates, &d.Bytes}, func() error {
		t.day(d)
		return nil
	})
	return t, err
}

// countUploaders adds how many clients each day had.
func countUploaders(ctx context.Context, q querier, t *tally, since string) error {
	var date string
	var n int64
	return each(ctx, q, uploadersQuery, []any{since}, []any{&date, &n}, func() error {
		t.on(date).uploaders = n
		return nil
	})
}

// eachClient calls fn for every client of every day.
func eachClient(ctx context.Context, q querier, since string, fn func(date, client string) error) error {
	var date string
	var client []byte
	return each(ctx, q, clientsQuery, []any{since}, []any{&date, &client}, func() error {
		return fn(date, hex.EncodeToString(client))
	})
}

// eachLink calls fn for the links of these ids that were used; no ids are all.
func eachLink(ctx context.Context, q querier, fn func(Link) error, ids ...link.ID) error {
	var l Link
	var last time.Time
	return each(ctx, q, linksQuery, []any{ids}, []any{&l.ID, &l.Files, &l.Bytes, &last}, func() error {
		l.LastUsedAt = last
		return fn(l)
	})
}

// each runs a query and calls fn for each row, scanned into the targets.
func each(ctx context.Context, q querier, query string, args, targets []any, fn func() error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, targets, fn)
	return err
}
