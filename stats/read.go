package stats

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Document is what GET /v1/stats answers.
type Document struct {
	AsOf              time.Time     `json:"as_of"`
	MostPopularFormat *string       `json:"most_popular_format"` // null while there are no images
	Formats           []FormatCount `json:"formats"`             // most first, ties by name
	Cameras           []CameraCount `json:"cameras"`             // the first ten, in the same order
	Images            ImageTotals   `json:"images"`
	Uploads           UploadTotals  `json:"uploads"`
	UploadsPerDay     []DayCount    `json:"uploads_per_day"` // 30 UTC days, today last
}

// FormatCount is how many stored images have a format.
type FormatCount struct {
	Format string `json:"format"`
	Images int64  `json:"images"`
}

// CameraCount is how many stored images a camera took.
type CameraCount struct {
	Model  string `json:"model"`
	Images int64  `json:"images"`
}

// ImageTotals are about stored images.
type ImageTotals struct {
	Stored int64 `json:"stored"`
	Bytes  int64 `json:"bytes"`
}

// UploadTotals are about files that were sent.
type UploadTotals struct {
	Accepted   int64 `json:"accepted"`
	Stored     int64 `json:"stored"`
	Duplicates int64 `json:"duplicates"`
	Rejected   int64 `json:"rejected"`
}

// DayCount is one UTC day.
type DayCount struct {
	Date       string `json:"date"`
	Accepted   int64  `json:"accepted"`
	Stored     int64  `json:"stored"`
	Duplicates int64  `json:"duplicates"`
	Bytes      int64  `json:"bytes"`
	Uploaders  int64  `json:"uploaders"` // an estimate
}

// Read returns the document. It comes from Redis in one round trip, a script;
// or from Postgres when Redis is away or does not have the counters.
func (s *Service) Read(ctx context.Context) (Document, error) {
	now := s.now().UTC()
	shown := dates(now, shownDays)
	t, err := s.readRedis(ctx, shown)
	if err != nil {
		return s.Recount(ctx)
	}
	return t.document(now, shown), nil
}

// Recount returns the document as SQL counts it, which takes long when there is
// much. Redis is left alone.
func (s *Service) Recount(ctx context.Context) (Document, error) {
	now := s.now().UTC()
	shown := dates(now, shownDays)
	t, err := s.readPostgres(ctx, shown)
	if err != nil {
		return Document{}, fmt.Errorf("stats: count in postgres: %w", err)
	}
	return t.document(now, shown), nil
}

// readPostgres counts in one snapshot.
func (s *Service) readPostgres(ctx context.Context, shown []string) (t *tally, err error) {
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, opts, func(tx pgx.Tx) error {
		if err := patience(ctx, tx, time.Minute); err != nil {
			return err
		}
		t, err = s.count(ctx, tx, shown[0])

		return err
	})
	return t, err
}

// readRedis reads as much of the counters as the document shows.
func (s *Service) readRedis(ctx context.Context, shown []string) (*tally, error) {
	wait, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	days := make([]any, len(shown))
	for i, date := range shown {
		days[i] = date
	}
	reply, err := s.reading.Run(wait, s.rdb, []string{keyPrefix}, days...).Slice()
	if err != nil {
		return nil, err
	}
	epoch, t := parse(reply, shown)
	if !s.trusts(ctx, epoch) {
		return nil, errStale
	}
	return t, nil
}

// parse takes read.lua's answer apart. The script is ours: what is missing is
// zero, there are no other cases.
func parse(reply []any, shown []string) (epoch string, t *tally) {
	t = newTally()
	epoch, _ = reply[0].(string)
	for pair := range slices.Chunk(list(reply[1]), 2) {
		format, _ := pair[0].(string)
		t.Formats[format] = -number(pair[1])
	}
	spelled := list(reply[3])
	for i, camera := range list(reply[2]) {
		lower, _ := camera.(string)
		counts, _ := spelled[i].(string)
		spellings := map[string]int64{}
		if json.Unmarshal([]byte(counts), &spellings) == nil {
			t.Cameras[lower] = spellings
		}
	}
	for i, name := range []string{"images", "bytes", "accepted", "stored", "duplicates", "rejected"} {
		t.Totals[name] = number(list(reply[4])[i])
	}
	for i, day := range list(reply[5]) {
		n := list(day)
		t.day(Day{Date: shown[i], Accepted: number(n[0]), Stored: number(n[1]), Duplicates: number(n[2]), Bytes: number(n[3])})
		t.on(shown[i]).uploaders = number(n[4])
	}
	return epoch, t
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

// document makes the document of counters. Events may be applied out of order,
// so what is below one is left out.
func (t *tally) document(now time.Time, shown []string) Document {
	doc := Document{
		AsOf:    now,
		Formats: []FormatCount{},
		Cameras: []CameraCount{},
		Images:  ImageTotals{Stored: t.Totals["images"], Bytes: t.Totals["bytes"]},
		Uploads: UploadTotals{
			Accepted: t.Totals["accepted"], Stored: t.Totals["stored"],
			Duplicates: t.Totals["duplicates"], Rejected: t.Totals["rejected"],
		},
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
		day := t.on(date)
		doc.UploadsPerDay = append(doc.UploadsPerDay, DayCount{
			Date: date, Accepted: day.Counts["accepted"], Stored: day.Counts["stored"],
			Duplicates: day.Counts["duplicates"], Bytes: day.Counts["bytes"], Uploaders: day.uploaders,
		})
	}
	return doc
}

// ranked lists the names that count something, most first, ties by name.
func ranked(counts map[string]int64) []string {
	names := slices.Collect(maps.Keys(counts))
	names = slices.DeleteFunc(names, func(name string) bool { return counts[name] <= 0 })
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return names
}
