// Package problem owns the codes under which clients hear what went wrong
// (RFC 9457; the contract lists them), and the errors that carry one.
//
// It promises that an error keeps its code however often it is wrapped. Which
// HTTP status a code has, package web alone knows.
package problem

import "errors"

// Code names a class of failures to clients. Its values never change.
type Code string

// The codes of the contract.
const (
	Unauthorized        Code = "unauthorized"
	Forbidden           Code = "forbidden"
	NotFound            Code = "not-found"
	BadRequest          Code = "bad-request"
	MethodNotAllowed    Code = "method-not-allowed"
	RangeNotSatisfiable Code = "range-not-satisfiable"
	LinkInvalid         Code = "link-invalid"
	LinkExpired         Code = "link-expired"
	LinkRevoked         Code = "link-revoked"
	LinkNotYetValid     Code = "link-not-yet-valid"
	LinkExhausted       Code = "link-exhausted"
	TooLarge            Code = "too-large"
	TooManyFiles        Code = "too-many-files"
	UnsupportedFormat   Code = "unsupported-format"
	Undecodable         Code = "undecodable"
	TooManyPixels       Code = "too-many-pixels"
	Overloaded          Code = "overloaded"
	Unavailable         Code = "unavailable"
	RateLimited         Code = "rate-limited"
	NotReady            Code = "not-ready"
	AlreadyTraining     Code = "already-training"
	Internal            Code = "internal"
)

// Codes lists them all.
func Codes() []Code {
	return []Code{
		Unauthorized, Forbidden, NotFound, BadRequest, MethodNotAllowed, RangeNotSatisfiable,
		LinkInvalid, LinkExpired, LinkRevoked, LinkNotYetValid, LinkExhausted,
		TooLarge, TooManyFiles, UnsupportedFormat, Undecodable, TooManyPixels,
		Overloaded, Unavailable, RateLimited, NotReady, AlreadyTraining, Internal,
	}
}

// Permanent tells whether the code judges the file or the request: the same
// file would be refused again. The statistics count these refusals. A store that
// is away or a busy service judges nothing.
func (c Code) Permanent() bool {
	switch c {
	case TooLarge, TooManyFiles, LinkExhausted, UnsupportedFormat, Undecodable, TooManyPixels:
		return true
	}

	return false
}

// ErrUnavailable marks the failures of a store that cannot be reached.
var ErrUnavailable = New(Unavailable, "a store cannot be reached")

// coded is an error with a code.
type coded struct {
	code Code
	text string
}

// New makes an error with a code. Clients read its text, so it holds no secret.
func New(code Code, text string) error { return &coded{code, text} }

func (e *coded) Error() string { return e.text }

// CodeOf returns the first code in the tree of err, Internal where there is none.
func CodeOf(err error) Code {
	var e *coded
	if errors.As(err, &e) {
		return e.code
	}

	return Internal
}

// StoreFailed marks err as the failure of a store; nil stays nil.
func StoreFailed(err error) error {
	if err == nil || CodeOf(err) == Unavailable {
		return err
	}

	return errors.Join(ErrUnavailable, err)
}
