// Package link owns upload links: what they grant, their signed tokens, the key
// ring, revocation, and the account of their limits. It owns the tables links,
// link_usage and revoked_links.
//
// It promises that a link needs no look-up: the token contains everything but
// revocation, and each process holds the revocations in memory, at most 2 seconds
// behind the database. Limits are exact under any concurrency, because the
// transaction that accepts a file spends them. Gate.MaySend alone decides whether a
// sender may send.
package link

import (
	"strings"
	"time"

	"inlet/problem"
)

// ID names a link: 1 to 64 characters of base64url. It is the token's jti and no
// secret.
type ID string

func (id ID) valid() bool {
	return id != "" && len(id) <= maxIDChars && !strings.ContainsFunc(string(id), notBase64URL)
}

// Grant is what a link allows.
type Grant struct {
	ID        ID
	Label     string // at most 200 characters
	IssuedAt  time.Time
	NotBefore time.Time // zero: at once
	ExpiresAt time.Time
	MaxFiles  int64 // total of accepted files; 0: no limit
	MaxBytes  int64 // total of accepted files' sizes; 0: no limit
}

// Limited tells whether the link has limits. Only such a link has a row of usage.
func (g Grant) Limited() bool { return g.MaxFiles > 0 || g.MaxBytes > 0 }

// Usage counts the accepted files of a link.
type Usage struct {
	Files, Bytes int64
	LastUsedAt   time.Time
}

// Why the package refuses a link. ErrSpec comes wrapped, with a detail for the
// operator.
var (
	ErrInvalid     = problem.New(problem.LinkInvalid, "the link is not valid")
	ErrExpired     = problem.New(problem.LinkExpired, "the link has expired")
	ErrNotYetValid = problem.New(problem.LinkNotYetValid, "the link is not valid yet")
	ErrExhausted   = problem.New(problem.LinkExhausted, "the link has been used up")
	ErrRevoked     = problem.New(problem.LinkRevoked, "the link has been revoked")
	ErrSpec        = problem.New(problem.BadRequest, "the link cannot be made")
	ErrCursor      = problem.New(problem.BadRequest, "the cursor is malformed")
)
