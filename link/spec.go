package link

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Spec is an operator's request for a new link.
type Spec struct {
	ExpiresIn string     `json:"expires_in"` // a Go duration, days ("7d"), or both ("1d12h")
	ExpiresAt *time.Time `json:"expires_at"`
	NotBefore *time.Time `json:"not_before"`
	MaxFiles  *int64     `json:"max_files"`
	MaxBytes  *int64     `json:"max_bytes"`
	Label     string     `json:"label"`
}

// Grant makes a grant with a new random ID, or fails with ErrSpec. A token holds
// whole seconds: Grant rounds the times so that the link never allows more than the
// operator requested.
func (s Spec) Grant(now time.Time) (Grant, error) {
	g := Grant{ID: ID(rand.Text()), IssuedAt: now.UTC().Truncate(time.Second), Label: cleanLabel(s.Label)}
	if !labelFits(g.Label) {
		return Grant{}, refuse("label must have at most %d characters", maxLabelChars)
	}

	var err error
	if g.ExpiresAt, err = s.expiry(now); err != nil {
		return Grant{}, err
	}
	if s.NotBefore != nil {
		begin := s.NotBefore.Add(time.Second - 1).UTC().Truncate(time.Second)
		if !begin.Before(g.ExpiresAt) {
			return Grant{}, refuse("not_before must be before the link expires")
		}
		if begin.Unix() > 0 { // a token cannot hold earlier times, and they change nothing
			g.NotBefore = begin
		}
	}

	var ok bool
	if g.MaxFiles, ok = limit(s.MaxFiles); !ok {
		return Grant{}, refuse("max_files must be at least 1")
	}
	if g.MaxBytes, ok = limit(s.MaxBytes); !ok {
		return Grant{}, refuse("max_bytes must be at least 1")
	}

	return g, nil
}

func (s Spec) expiry(now time.Time) (at time.Time, err error) {
	switch {
	case s.ExpiresIn == "" && s.ExpiresAt == nil:
		return at, refuse("one of expires_in and expires_at is needed")
	case s.ExpiresIn != "" && s.ExpiresAt != nil:
		return at, refuse("expires_in and expires_at exclude each other")
	case s.ExpiresAt == nil:
		lifetime, err := parseLifetime(s.ExpiresIn)
		return now.Add(lifetime).UTC().Truncate(time.Second), err
	}

	at = s.ExpiresAt.UTC().Truncate(time.Second)
	switch {
	case !at.After(now):
		return at, refuse("expires_at must be in the future")
	case at.After(now.Add(maxLifetime)):
		return at, refuse("expires_at must be at most 366 days from now")
	}

	return at, nil
}

// parseLifetime reads a Go duration that may begin with days: 90m, 7d, 1.5d, 1d12h.
// The shortest is a second, the unit of a token.
func parseLifetime(s string) (time.Duration, error) {
	malformed := refuse("expires_in must be a duration such as 90m, 12h or 7d")
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	if strings.Trim(days, "0123456789.") != "" { // ParseFloat reads more than these
		return 0, malformed
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil {
		return 0, malformed
	}

	var d time.Duration
	if rest != "" {
		if d, err = time.ParseDuration(rest); err != nil || ok && d < 0 {
			return 0, malformed
		}
	}
	if n > 366 || d > maxLifetime { // the sum below could overflow
		n, d = 366, maxLifetime
	}

	lifetime := time.Duration(n*float64(24*time.Hour)) + d
	switch {
	case lifetime < time.Second:
		return 0, refuse("expires_in must be at least one second")
	case lifetime > maxLifetime:
		return 0, refuse("expires_in must be at most 366 days")
	}

	return lifetime, nil
}

// cleanLabel drops control characters and invalid UTF-8: Postgres cannot store
// them all, and pages cannot show them.
func cleanLabel(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

func labelFits(label string) bool { return utf8.RuneCountInString(label) <= maxLabelChars }

func refuse(detail string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSpec, fmt.Sprintf(detail, args...))
}
