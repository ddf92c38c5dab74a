package stats

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"inlet/link"
)

// Document is what GET /v1/stats answers.
type Document struct {
	AsOf              time.Time     `json:"as_of"`
	MostPopularFormat *string       `json:"most_popular_format"` // null while there are no images
	Formats           []FormatCount `json:"formats"`             // most first, ties by name
	Cameras           []CameraCount `json:"cameras"`             // the first ten, in the same order
	Images            ImageTotals   `json:"images"`
	Uploads           UploadTotals  `json:"uploads"`
	Recent            RecentCounts  `json:"recent"`
	UploadsPerDay     []DayCount    `json:"uploads_per_day"` // 30 UTC days, today last
}

// FormatCount counts the stored images of a format.
type FormatCount struct {
	Format string `json:"format"`
	Images int64  `json:"images"`
}

// CameraCount counts the stored images that a camera took.
type CameraCount struct {
	Model  string `json:"model"`
	Images int64  `json:"images"`
}

// ImageTotals count the stored images.
type ImageTotals struct {
	Stored int64 `json:"stored"`
	Bytes  int64 `json:"bytes"`
}

// UploadTotals count the files that clients sent.
type UploadTotals struct {
	Accepted   int64 `json:"accepted"`
	Stored     int64 `json:"stored"`
	Duplicates int64 `json:"duplicates"`
	Rejected   int64 `json:"rejected"`
}

// DayCount counts the files of one UTC day.
type DayCount struct {
	Date       string `json:"date"`
	Accepted   int64  `json:"accepted"`
	Stored     int64  `json:"stored"`
	Duplicates int64  `json:"duplicates"`
	Bytes      int64  `json:"bytes"`
	Uploaders  int64  `json:"uploaders"` // an estimate
}

// Read returns the document. It asks Redis in one round trip, or Postgres when Redis
// is away or lacks the counters.
func (s *Service) Read(ctx context.Context) (Document, error) {
	now := s.now().UTC()
	d, recent, err := s.readRedis(ctx, now)
	if err != nil {
		return s.Recount(ctx)
	}
	return document(d, recent, now), nil
}

// Recount returns the document as SQL counts it, which may take a minute. It does
// not use Redis.
func (s *Service) Recount(ctx context.Context) (Document, error) {
	now := s.now().UTC()
	d, recent, err := s.readPostgres(ctx, now)
	if err != nil {
		return Document{}, fmt.Errorf("stats: count in postgres: %w", err)
	}
	return document(d, recent, now), nil
}

// readPostgres counts in one snapshot.
func (s *Service) readPostgres(ctx context.Context, now time.Time) (d Delta, recent recentCounters, err error) {
	since, sum := Kept(now), newTally(now)
	since.Day = dates(now, shownDays)[0]
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, opts, func(tx pgx.Tx) error {
		if err := patience(ctx, tx, time.Minute); err != nil {
			return err
		}
		d, err = s.count(ctx, tx, since, func(r Recent) error {
			sum.recent(r)
			return nil
		})
		return err
	})
	return d, sum.recentCounters(), err
}

// readRedis reads the counters that the document shows.
func (s *Service) readRedis(ctx context.Context, now time.Time) (Delta, recentCounters, error) {
	shown := dates(now, shownDays)
	encoded, err := json.Marshal(windows(now))
	if err != nil {
		return Delta{}, recentCounters{}, err
	}
	args := []any{encoded}
	for _, date := range shown {
		args = append(args, date)
	}

	wait, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	reply, err := s.reading.Run(wait, s.rdb, []string{keyPrefix}, args...).Slice()
	if errors.Is(err, redis.Nil) {
		err = errStale
	}
	if err != nil {
		return Delta{}, recentCounters{}, err
	}
	epoch, d := parse(reply, shown)
	if !s.trusts(ctx, epoch) {
		return Delta{}, recentCounters{}, errStale
	}

	return d, parseRecent(reply, now), nil
}

// parse reads the answer of read.lua. A missing counter is 0.
func parse(reply []any, shown []string) (epoch string, d Delta) {
	d = Delta{Formats: map[string]int64{}, Cameras: map[string]int64{}}
	epoch, _ = reply[0].(string)
	for pair := range slices.Chunk(list(reply[1]), 2) {
		format, _ := pair[0].(string)
		d.Formats[format] = -number(pair[1])
	}
	for _, spellings := range list(reply[2]) {
		text, _ := spellings.(string)
		_ = json.Unmarshal([]byte(text), &d.Cameras) // adds to the map; a camera without spellings counts nothing
	}
	for pair := range slices.Chunk(list(reply[3]), 2) {
		name, _ := pair[0].(string)
		if total := d.totals()[name]; total != nil {
			*total = number(pair[1])
		}
	}
	for i, day := range list(reply[4]) {
		n := list(day)
		d.Days = append(d.Days, Day{
			Date: shown[i], Accepted: number(n[0]), Stored: number(n[1]), Duplicates: number(n[2]), Bytes: number(n[3]), Uploaders: number(n[4]),
		})
	}

	return epoch, d
}

// parseRecent reads the minutes and hours in the answer of read.lua.
func parseRecent(reply []any, now time.Time) recentCounters {
	r := recentCounters{spans: map[string]map[string]int64{}, links: map[string]map[link.ID]int64{}}
	for i, u := range []unit{minutes(), hours()} {
		answer := list(reply[5+i])
		for j, span := range list(answer[0]) {
			text, some := span.(string)
			if !some {
				continue
			}
			var counts map[string]int64
			_ = json.Unmarshal([]byte(text), &counts) // apply.lua wrote it
			r.spans[u.key(u.first(now, u.shown)+int64(j))] = counts
		}

		r.links[u.name] = map[link.ID]int64{}
		for pair := range slices.Chunk(list(answer[1]), 2) {
			id, _ := pair[0].(string)
			r.links[u.name][link.ID(id)] = -number(pair[1])
		}
	}
	return r
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// number reads an integer: Redis writes scores as floating point numbers, which
// are exact up to 2^53.
func number(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case string:
		f, _ := strconv.ParseFloat(v, 64)
		return int64(f)
	}

	return 0
}

// document makes the document of the counters. It leaves out negative ones: events
// may be applied out of order.
func document(d Delta, recent recentCounters, now time.Time) Document {
	shown := dates(now, shownDays)
	t := newTally(now)
	t.add(d)
	doc := Document{
		AsOf:    now,
		Formats: []FormatCount{},
		Cameras: []CameraCount{},
		Images:  ImageTotals{Stored: d.Images, Bytes: d.Bytes},
		Uploads: UploadTotals{Accepted: d.Accepted, Stored: d.Stored, Duplicates: d.Duplicates, Rejected: d.Rejected},
		Recent:  recent.document(now),
	}

	for _, format := range ranked(t.Formats) {
		doc.Formats = append(doc.Formats, FormatCount{format, t.Formats[format]})
	}
	if len(doc.Formats) > 0 {
		doc.MostPopularFormat = &doc.Formats[0].Format
	}

	sums := map[string]int64{}
	for lower, spellings := range t.Cameras {
		for _, n := range spellings {
			sums[lower] += n
		}
	}
	cameras := ranked(sums)
	for _, lower := range cameras[:min(10, len(cameras))] {
		doc.Cameras = append(doc.Cameras, CameraCount{ranked(t.Cameras[lower])[0], sums[lower]})
	}

	for _, date := range shown {
		n := t.on(date).Counts
		doc.UploadsPerDay = append(doc.UploadsPerDay, DayCount{date, n.Accepted, n.Stored, n.Duplicates, n.Bytes, n.Uploaders})
	}

	return doc
}

// ranked lists the names that count something, most first, ties by name.
func ranked[K ~string](counts map[K]int64) []K {
	names := slices.Collect(maps.Keys(counts))
	names = slices.DeleteFunc(names, func(name K) bool { return counts[name] <= 0 })
	slices.SortFunc(names, func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return names
}
