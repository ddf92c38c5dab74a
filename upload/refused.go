package upload

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"inlet/imaging"
	"inlet/stats"
)

// refusals are the reasons that say something of the file or the request, by
// the names under which they are counted. A store that is away or a service
// that is busy is no refusal: the same file is taken later.
var refusals = []struct {
	err  error
	code string
}{
	{ErrTooLarge, "too-large"},
	{ErrTooManyFiles, "too-many-files"},
	{ErrExhausted, "link-exhausted"},
	{imaging.ErrUnsupported, "unsupported-format"},
	{imaging.ErrUndecodable, "undecodable"},
	{imaging.ErrTooManyPixels, "too-many-pixels"},
}

// Refused counts the refused files of one request, whose link was good. It is
// called once, with all of the request's results.
func (s *Service) Refused(ctx context.Context, results []Result) error {
	byCode := map[string]int64{}
	var total int64
	for _, r := range results {
		if code := refusal(r.Err); code != "" {
			byCode[code]++
			total++
		}
	}
	if total == 0 {
		return nil
	}
	now := s.Now().UTC()
	var b pgx.Batch
	for code, files := range byCode {
		b.Queue(`INSERT INTO rejections (rejected_at, code, files) VALUES ($1, $2, $3)`, now, code, files)
	}
	stats.Queue(&b, stats.Delta{Rejected: total})
	return s.commit(ctx, func(ctx context.Context) error {
		if err := s.Pool.SendBatch(ctx, &b).Close(); err != nil {
			return fmt.Errorf("count refused files: %w", err)
		}
		return nil
	})
}

func refusal(err error) string {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.code
		}
	}
	return ""
}
