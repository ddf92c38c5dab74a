package catalog

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"inlet/imaging"
	"inlet/imaging/quality"
)

// Filter selects images; the zero value selects all.
type Filter struct {
	Format   string
	Camera   string // as the statistics name it, in any case
	Link     string // accepted through this link
	Label    string
	Flag     string    // of quality.Flags
	From, To time.Time // uploaded at, half-open
	// BBox is minimal longitude and latitude, maximal longitude and latitude. A
	// minimal longitude above the maximal one crosses the antimeridian.
	BBox *[4]float64
}

// ParseFilter reads a filter from a query, and ignores parameters that are no
// filters. It refuses a filter that is malformed, empty or given twice: without it
// the query would select more than the client asked for.
func ParseFilter(query url.Values) (Filter, error) {
	var f Filter
	parsers := []struct {
		name  string
		parse func(string) error
	}{
		{"format", func(v string) error { return parseFormat(v, &f.Format) }},
		{"camera", func(v string) error { return parseText(v, &f.Camera) }},
		{"link", func(v string) error { return parseText(v, &f.Link) }},
		{"label", func(v string) error { return parseText(v, &f.Label) }},
		{"flag", func(v string) error { return parseFlag(v, &f.Flag) }},
		{"from", func(v string) error { return parseTime(v, &f.From) }},
		{"to", func(v string) error { return parseTime(v, &f.To) }},
		{"bbox", func(v string) error { return parseBBox(v, &f.BBox) }},
	}
	for _, p := range parsers {
		values, given := query[p.name]
		if !given {
			continue
		}
		if len(values) != 1 {
			return Filter{}, fmt.Errorf("%w: %s is given %d times", ErrFilter, p.name, len(values))
		}
		if err := p.parse(values[0]); err != nil {
			return Filter{}, fmt.Errorf("%w: %s %w", ErrFilter, p.name, err)
		}
	}

	return f, nil
}

func parseFormat(v string, to *string) error {
	if !slices.Contains(imaging.Formats, imaging.Format(v)) {
		return fmt.Errorf("must be one of %v", imaging.Formats)
	}
	*to = v

	return nil
}

func parseFlag(v string, to *string) error {
	if !slices.Contains(quality.Flags(), v) {
		return fmt.Errorf("must be one of %v", quality.Flags())
	}
	*to = v

	return nil
}

// parseText takes what a text column can hold: UTF-8 without NUL.
func parseText(v string, to *string) error {
	v = strings.TrimSpace(v)
	switch {
	case v == "":
		return errors.New("is empty")
	case len(v) > 1000:
		return errors.New("is too long")
	case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
		return errors.New("is not a text")
	}
	*to = v

	return nil
}

func parseTime(v string, to *time.Time) (err error) {
	if *to, err = time.Parse(time.DateOnly, v); err == nil {
		return nil
	}
	// A plus sign that was not escaped arrives as a blank.
	if *to, err = time.Parse(time.RFC3339, strings.Replace(v, " ", "+", 1)); err == nil {
		return nil
	}

	return errors.New("must be a time such as 2026-01-31T15:04:05Z, or a date such as 2026-01-31")
}

func parseBBox(v string, to **[4]float64) error {
	parts := strings.Split(v, ",")
	if len(parts) != 4 {
		return errors.New("must be minlon,minlat,maxlon,maxlat")
	}
	var box [4]float64
	for i, part := range parts {
		limit := 180.0
		if i%2 == 1 {
			limit = 90
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		// NaN is in no range.
		if err != nil || !(value >= -limit && value <= limit) {
			return fmt.Errorf("must be minlon,minlat,maxlon,maxlat in degrees, but has %.20q", part)
		}
		box[i] = value
	}
	if box[1] > box[3] {
		return errors.New("has a minimal latitude above its maximal latitude")
	}
	*to = &box

	return nil
}
