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

// Spec is what an operator asks of a new link.
type Spec struct {
	ExpiresIn string     `json:"expires_in"` // a Go duration, days ("7d"), or both ("1d12h")
	ExpiresAt *time.Time `json:"expires_at"`
	NotBefore *time.Time `json:"not_before"`
	MaxFiles  *int64     `json:"max_files"`
	MaxBytes  *int64     `json:"max_bytes"`
	Label     string     `json:"label"`
}

// Grant makes a grant with a new random ID. Tokens count whole seconds, so times
// are rounded to them, always so that the link allows no more than was asked
// for.
func (s Spec) Grant(now time.Time) (Grant, error) {
	g := Grant{IssuedAt: now.UTC().Truncate(time.Second), Label: cleanLabel(s.Label)}
	if !labelFits(g.Label) {
		return Grant{}, refuse("label must have at most %d characters", maxLabelChars)
	}
	var err error
	if g.ExpiresAt, err = s.expiry(now); err != nil {
		return Grant{}, err
	}
	if s.NotBefore != nil {
		g.NotBefore = s.NotBefore.Add(time.Second - 1).UTC().Truncate(time.Second)
		if !g.NotBefore.Before(g.ExpiresAt) {
			return Grant{}, refuse("not_before must be before the link expires")
		}
		if g.NotBefore.Unix() <= 0 { // long past, as if it were not set
			g.NotBefore = time.Time{}
		}
	}
	var ok bool
	if g.MaxFiles, ok = limited(s.MaxFiles); !ok {
		return Grant{}, refuse("max_files must be at least 1")
	}
	if g.MaxBytes, ok = limited(s.MaxBytes); !ok {
		return Grant{}, refuse("max_bytes must be at least 1")
	}
	g.ID = ID(rand.Text()) // at least 128 random bits, in letters and digits alone
	return g, nil
}

func (s Spec) expiry(now time.Time) (time.Time, error) {
	switch {
	case s.ExpiresIn == "" && s.ExpiresAt == nil:
		return time.Time{}, refuse("one of expires_in and expires_at is needed")
	case s.ExpiresIn != "" && s.ExpiresAt != nil:
		return time.Time{}, refuse("expires_in and expires_at exclude each other")
	case s.ExpiresAt == nil:
		lifetime, err := parseLifetime(s.ExpiresIn)
		return now.Add(lifetime).UTC().Truncate(time.Second), err
	}
	at := s.ExpiresAt.UTC().Truncate(time.Second)
	if !at.After(now) {
		return time.Time{}, refuse("expires_at must be in the future")
	}
	if at.After(now.Add(maxLifetime)) {
		return time.Time{}, refuse("expires_at must be at most 366 days from now")
	}
	return at, nil
}

// parseLifetime reads a Go duration that may begin with days: 90m, 7d, 1.5d,
// 1d12h. It is at least a second, the shortest that a token can say.
func parseLifetime(s string) (time.Duration, error) {
	malformed := refuse("expires_in must be a duration such as 90m, 12h or 7d")
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	if strings.ContainsFunc(days, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
		return 0, malformed
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil {
		return 0, malformed
	}
	tooLong := refuse("expires_in must be at most 366 days")
	if n > maxLifetime.Hours()/24 {
		return 0, tooLong
	}
	lifetime := time.Duration(n * float64(24*time.Hour))
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || ok && d < 0 {
			return 0, malformed
		}
		if d > maxLifetime {
			return 0, tooLong
		}
		lifetime += d
	}
	if lifetime < time.Second {
		return 0, refuse("expires_in must be at least one second")
	}
	if lifetime > maxLifetime {
		return 0, tooLong
	}
	return lifetime, nil
}

// cleanLabel drops what cannot be shown or stored: control characters (NUL
// among them) and bytes that are not UTF-8.
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
