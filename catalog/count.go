package catalog

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/link"
	"inlet/stats"
)

const (
	formatsQuery = `SELECT format, count(*), sum(bytes)::bigint FROM images GROUP BY format`

	camerasQuery = `SELECT camera, count(*) FROM images WHERE camera IS NOT NULL GROUP BY camera`

	filesQuery = `
		SELECT count(*), count(*) FILTER (WHERE status = 'stored'), count(*) FILTER (WHERE status = 'duplicate') FROM uploads`

	daysQuery = `
		SELECT (uploaded_at AT TIME ZONE 'UTC')::date::text, count(*), count(*) FILTER (WHERE status = 'stored'),
			count(*) FILTER (WHERE status = 'duplicate'), sum(bytes)::bigint, count(DISTINCT client)
		FROM uploads WHERE uploaded_at >= $1::date::timestamp AT TIME ZONE 'UTC' GROUP BY 1`

	// The beginning of the span in which an upload counts: its minute from @minute on, its
	// hour from @hour on, else its day.
	spanOfUpload = `date_bin(CASE WHEN uploaded_at >= @minute THEN interval '1 minute'
		WHEN uploaded_at >= @hour THEN interval '1 hour' ELSE interval '1 day' END, uploaded_at, timestamptz 'epoch')`

	recentUploadsQuery = `
		SELECT ` + spanOfUpload + `, link_id, count(*), count(*) FILTER (WHERE status = 'stored')
		FROM uploads WHERE uploaded_at >= @hour GROUP BY 1, 2`

	// A picture and its stored upload have the same time. The index images_newest
	// serves it.
	recentImagesQuery = `
		SELECT ` + spanOfUpload + `, format, flags, count(*) FROM images WHERE uploaded_at >= @hour GROUP BY 1, 2, 3`

	clientsQuery = `
		SELECT DISTINCT (uploaded_at AT TIME ZONE 'UTC')::date::text, client
		FROM uploads WHERE uploaded_at >= $1::date::timestamp AT TIME ZONE 'UTC'`

	linksQuery = `
		SELECT link_id, count(*), coalesce(sum(bytes), 0)::bigint, max(uploaded_at) FROM uploads
		WHERE $1::text[] IS NULL OR link_id = ANY($1) GROUP BY link_id`
)

// Counts counts in SQL what the counters hold: it is the truth of package stats.
type Counts struct{}

// Count implements stats.Truth.
func (Counts) Count(ctx context.Context, q db.Querier, since stats.Since, recent func(stats.Recent) error) (stats.Delta, error) {
	d := stats.Delta{Formats: map[string]int64{}, Cameras: map[string]int64{}}
	var name string
	var n, bytes int64
	err := each(ctx, q, formatsQuery, nil, []any{&name, &n, &bytes}, func() error {
		d.Formats[name] = n
		d.Images += n
		d.Bytes += bytes
		return nil
	})
	if err != nil {
		return d, err
	}
	err = each(ctx, q, camerasQuery, nil, []any{&name, &n}, func() error {
		d.Cameras[name] = n
		return nil
	})
	if err != nil {
		return d, err
	}
	if err := q.QueryRow(ctx, filesQuery).Scan(&d.Accepted, &d.Stored, &d.Duplicates); err != nil {
		return d, err
	}

	var day stats.Day
	columns := []any{&day.Date, &day.Accepted, &day.Stored, &day.Duplicates, &day.Bytes, &day.Uploaders}
	err = each(ctx, q, daysQuery, []any{since.Day}, columns, func() error {
		d.Days = append(d.Days, day)
		return nil
	})
	if err != nil {
		return d, err
	}

	return d, recentCounts(ctx, q, since, recent)
}

// recentCounts calls fn with what the uploads and the pictures since then count.
func recentCounts(ctx context.Context, q db.Querier, since stats.Since, fn func(stats.Recent) error) error {
	named := []any{pgx.NamedArgs{"minute": since.Minute, "hour": since.Hour}}

	var r stats.Recent
	err := each(ctx, q, recentUploadsQuery, named, []any{&r.At, &r.Link, &r.Accepted, &r.Stored}, func() error {
		r.Duplicates = r.Accepted - r.Stored
		return fn(r)
	})
	if err != nil {
		return err
	}

	var at time.Time
	var format string
	var flags []string
	var n int64

	return each(ctx, q, recentImagesQuery, named, []any{&at, &format, &flags, &n}, func() error {
		return fn(recentPictures(at, format, flags, n))
	})
}

// recentPictures is what n stored pictures of one time, format and flags count.
func recentPictures(at time.Time, format string, flags []string, n int64) stats.Recent {
	r := stats.Recent{At: at.UTC(), Formats: map[string]int64{format: n}}
	if len(flags) > 0 {
		r.Flags = map[string]int64{}
	}
	for _, flag := range flags {
		r.Flags[flag] += n
	}

	return r
}

// Clients implements stats.Truth.
func (Counts) Clients(ctx context.Context, q db.Querier, since string, fn func(date, client string) error) error {
	var date string
	var client []byte

	return each(ctx, q, clientsQuery, []any{since}, []any{&date, &client}, func() error {
		return fn(date, hex.EncodeToString(client))
	})
}

// Links implements stats.Truth.
func (Counts) Links(ctx context.Context, q db.Querier, ids []link.ID, fn func(stats.Link) error) error {
	var l stats.Link

	return each(ctx, q, linksQuery, []any{ids}, []any{&l.ID, &l.Files, &l.Bytes, &l.LastUsedAt}, func() error { return fn(l) })
}

// each runs a query and calls fn for each row, scanned into the targets.
func each(ctx context.Context, q db.Querier, query string, args, targets []any, fn func() error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, targets, fn)

	return err
}
