package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The codes of problems that callers tell apart.
const (
	CodeUnauthorized      = "unauthorized"
	CodeForbidden         = "forbidden"
	CodeNotFound          = "not-found"
	CodeLinkInvalid       = "link-invalid"
	CodeLinkExpired       = "link-expired"
	CodeLinkRevoked       = "link-revoked"
	CodeLinkExhausted     = "link-exhausted"
	CodeTooLarge          = "too-large"
	CodeUnsupportedFormat = "unsupported-format"
	CodeUndecodable       = "undecodable"
	CodeTooManyPixels     = "too-many-pixels"
)

// ProblemError is a refusal by the server, as in RFC 9457.
type ProblemError struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"` // 0: no server answered
	Detail string `json:"detail"`
	Code   string `json:"code"` // "": something other than Inlet answered
	// Results has an entry for each file of an upload that stored nothing.
	Results []Result `json:"results,omitempty"`
	// RetryAfter is the pause that the server asks for; 0: it asks for none.
	RetryAfter time.Duration `json:"-"`
}

func (e *ProblemError) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}

	switch {
	case e.Code != "":
		return fmt.Sprintf("%s (%s)", text, e.Code)
	case e.Status != 0:
		return fmt.Sprintf("%s (status %d)", text, e.Status)
	}
	return text
}

// concernsFile reports whether the problem is the file's own.
func (e *ProblemError) concernsFile() bool {
	switch e.Code {
	case CodeTooLarge, CodeUnsupportedFormat, CodeUndecodable, CodeTooManyPixels:
		return true
	case "":
		return e.Status == http.StatusRequestEntityTooLarge // a proxy has limits too
	}
	return false
}

// problemIn returns the problem within err, or a zero one.
func problemIn(err error) ProblemError {
	if problem, ok := errors.AsType[*ProblemError](err); ok {
		return *problem
	}
	return ProblemError{}
}

// CodeOf returns the code of the problem within err; "": err has none.
func CodeOf(err error) string { return problemIn(err).Code }

// problemOf reads a refusal, of at most 1 MiB. It shortens the text of a proxy.
func problemOf(res *http.Response) error {
	p := &ProblemError{Title: http.StatusText(res.StatusCode)}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // the status says enough

	switch kind := res.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/problem+json"):
		if json.Unmarshal(body, p) != nil {
			*p = ProblemError{Title: "a malformed problem document"}
		}
	case strings.HasPrefix(kind, "text/plain"):
		p.Detail = strings.TrimSpace(string(body[:min(len(body), 200)]))
	case res.StatusCode < http.StatusBadRequest:
		if to, err := res.Location(); err == nil { // its path may contain a token
			p.Detail = "the server redirects to another address; use " + to.Scheme + "://" + to.Host
		}
	}

	p.Status = res.StatusCode
	p.RetryAfter = retryAfter(res.Header.Get("Retry-After"), time.Now())
	return p
}

// retryAfter reads seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 && seconds <= 1e6 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// NetworkError means that the server cannot be reached, or that its answer broke off.
type NetworkError struct {
	Host string
	Err  error
}

func (e *NetworkError) Error() string { return fmt.Sprintf("cannot reach %s: %v", e.Host, e.Err) }

// Unwrap returns the cause.
func (e *NetworkError) Unwrap() error { return e.Err }

// unreachable drops the address from err, since it may contain a link's token.
func unreachable(req *http.Request, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return &NetworkError{Host: req.URL.Host, Err: err}
}
