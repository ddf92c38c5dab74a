package cli

import (
	"errors"
	"math"
	"time"

	"github.com/dustin/go-humanize"
)

// parseSize reads a number of bytes: 65536, 500MB, 2GiB.
func parseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return 0, errors.New("must be a number of bytes such as 500MB or 2GiB")
	}
	return int64(n), nil
}

// parseTime reads a time, or a date: midnight in UTC.
func parseTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, errors.New("must be a time such as 2026-01-31T08:00:00Z, or a date such as 2026-01-31")
	}
	return at, nil
}

func bytesText(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

func moment(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.Local().Format("2006-01-02 15:04")
}

func orDash(text *string) string {
	if text == nil || *text == "" {
		return "-"
	}
	return *text
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "-"
}
