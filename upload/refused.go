package upload

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/problem"
	"inlet/stats"
)

// Refused counts the refused files of one request in the statistics. The
// caller found the request's link good, and calls it once with all results.
func (s *Service) Refused(ctx context.Context, results []Result) error {
	byCode := map[problem.Code]int64{}
	for _, r := range results {
		if code := problem.CodeOf(r.Err); r.Err != nil && code.Permanent() {
			byCode[code]++
		}
	}
	if len(byCode) == 0 {
		return nil
	}

	var b pgx.Batch
	stats.QueueRejections(&b, s.Now().UTC(), byCode)

	return s.commit(ctx, func(ctx context.Context) error {
		if err := s.Pool.SendBatch(ctx, &b).Close(); err != nil {
			return fmt.Errorf("count refused files: %w", err)
		}
		return nil
	})
}

// count counts the outcome of a file in the metrics. A sender who left hears no
// code, and counts for none.
func (m *metrics) count(r Result) {
	m.files.WithLabelValues(string(r.Status), r.Match, string(r.Format)).Inc()
	switch {
	case r.Status == Stored:
		m.stored.Add(float64(r.Bytes))
	case r.Err != nil && !errors.Is(r.Err, context.Canceled):
		m.rejected.WithLabelValues(string(db.CodeOf(r.Err))).Inc()
	}
}
