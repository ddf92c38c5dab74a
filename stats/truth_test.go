package stats

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/link"
)

const (
	formatsQuery = `SELECT format, count(*), sum(bytes)::bigint FROM images GROUP BY format`

	camerasQuery = `SELECT camera, count(*) FROM images WHERE camera IS NOT NULL GROUP BY camera`

	uploadsQuery = `
		SELECT count(*), count(*) FILTER (WHERE status = 'stored'), count(*) FILTER (WHERE status = 'duplicate') FROM uploads`

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

	// Every upload is a row of its own: the sums come out the same.
	recentUploadsQuery = `SELECT uploaded_at, link_id, (status = 'stored')::int FROM uploads WHERE uploaded_at >= $1`

	recentImagesQuery = `SELECT uploaded_at, format, flags FROM images WHERE uploaded_at >= $1`

	linksQuery = `
		SELECT link_id, count(*), coalesce(sum(bytes), 0)::bigint, max(uploaded_at) FROM uploads
		WHERE $1::text[] IS NULL OR link_id = ANY($1) GROUP BY link_id`
)

// tables counts the rows that the tests write. Package catalog does so in the
// service, and cannot be imported here: it imports this one.
type tables struct{}

func (tables) Count(ctx context.Context, q db.Querier, since Since, recent func(Recent) error) (Delta, error) {
	d := Delta{Formats: map[string]int64{}, Cameras: map[string]int64{}}
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
	if err := q.QueryRow(ctx, uploadsQuery).Scan(&d.Accepted, &d.Stored, &d.Duplicates); err != nil {
		return d, err
	}
	var day Day
	err = each(ctx, q, daysQuery, []any{since.Day}, []any{&day.Date, &day.Accepted, &day.Stored, &day.Duplicates, &day.Bytes}, func() error {
		d.Days = append(d.Days, day)
		return nil
	})
	if err != nil {
		return d, err
	}
	err = each(ctx, q, uploadersQuery, []any{since.Day}, []any{&name, &n}, func() error {
		for i := range d.Days {
			if d.Days[i].Date == name {
				d.Days[i].Uploaders = n
			}
		}
		return nil
	})
	if err != nil {
		return d, err
	}
	return d, countRecent(ctx, q, since, recent)
}

func countRecent(ctx context.Context, q db.Querier, since Since, recent func(Recent) error) error {
	r := Recent{Accepted: 1}
	err := each(ctx, q, recentUploadsQuery, []any{since.Hour}, []any{&r.At, &r.Link, &r.Stored}, func() error {
		r.Duplicates = 1 - r.Stored
		return recent(r)
	})
	if err != nil {
		return err
	}
	var at time.Time
	var format string
	var flags []string
	return each(ctx, q, recentImagesQuery, []any{since.Hour}, []any{&at, &format, &flags}, func() error {
		return recent(Recent{At: at, Formats: map[string]int64{format: 1}, Flags: flagCounts(flags, 1)})
	})
}

func (tables) Clients(ctx context.Context, q db.Querier, since string, fn func(date, client string) error) error {
	var date string
	var client []byte
	return each(ctx, q, clientsQuery, []any{since}, []any{&date, &client}, func() error {
		return fn(date, hex.EncodeToString(client))
	})
}

func (tables) Links(ctx context.Context, q db.Querier, ids []link.ID, fn func(Link) error) error {
	var l Link
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
