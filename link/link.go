// Package link owns upload links: what they grant, their signed tokens, the key
// ring, revocation, and the account of their limits.
//
// It promises that no look-up decides whether a link is good: the token holds
// everything but revocation, and each process holds the revocations in memory,
// at most 2 seconds behind the database. Limits are exact under any concurrency:
// the transaction that accepts a file spends them. Gate.MaySend alone says
// whether a sender may send.
//
// The tables links, link_usage and revoked_links are its own.
package link

import (
	"time"

	"inlet/problem"
)

// ID names a link. It is the token's jti and no secret.
type ID string

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

// Limited tells whether the link has limits, of which the store keeps an account.
func (g Grant) Limited() bool { return g.MaxFiles > 0 || g.MaxBytes > 0 }

// Usage is what of a link has been used.
type Usage struct {
	Files, Bytes int64
	LastUsedAt   time.Time
}

// Why a link is refused. ErrSpec is returned wrapped, with a detail that is fit
// to be shown to the operator.
var (
	ErrInvalid     = problem.New(problem.LinkInvalid, "the link is not valid")
	ErrExpired     = problem.New(problem.LinkExpired, "the link has expired")
	ErrNotYetValid = problem.New(problem.LinkNotYetValid, "the link is not valid yet")
	ErrExhausted   = problem.New(problem.LinkExhausted, "the link has been used up")
	ErrRevoked     = problem.New(problem.LinkRevoked, "the link has been revoked")
	ErrSpec        = problem.New(problem.BadRequest, "the link cannot be made")
	ErrCursor      = problem.New(problem.BadRequest, "the cursor is malformed")
)
