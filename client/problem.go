package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The codes of problems that a program may want to tell apart.
const (
	CodeUnauthorized      = "unauthorized"
	CodeForbidden         = "forbidden"
	CodeNotFound          = "not-found"
	CodeLinkInvalid       = "link-invalid"
	CodeLinkExpired       = "link-expired"
	CodeLinkRevoked       = "link-revoked"
	CodeLinkNotYetValid   = "link-not-yet-valid"
	CodeLinkExhausted     = "link-exhausted"
	CodeTooLarge          = "too-large"
	CodeUnsupportedFormat = "unsupported-format"
	CodeUndecodable       = "undecodable"
	CodeTooManyPixels     = "too-many-pixels"
)

// ProblemError is an answer that is no success, as RFC 9457 has it.
type ProblemError struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"` // "" when the answer is not Inlet's own
	// Results has an entry for each file of an upload of which none was accepted.
	Results []Result `json:"results,omitempty"`
	// RetryAfter is how long the server asks to wait; 0: it does not say.
	RetryAfter time.Duration `json:"-"`
}

func (e *ProblemError) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}
	if e.Code == "" {
		return fmt.Sprintf("%s (status %d)", text, e.Status)
	}
	return fmt.Sprintf("%s (%s)", text, e.Code)
}

// CodeOf returns the problem's code that err bears, "" when it bears none.
func CodeOf(err error) string {
	var problem *ProblemError
	if errors.As(err, &problem) {
		return problem.Code
	}
	return ""
}

func statusOf(err error) int {
	var problem *ProblemError
	if errors.As(err, &problem) {
		return problem.Status
	}
	return 0
}

// maxProblem bounds a problem document, results included.
const maxProblem = 1 << 20

// problemOf reads the answer to a request that failed. One that is not Inlet's,
// from a proxy on the way, is told in short.
func problemOf(res *http.Response) error {
	p := &ProblemError{Title: http.StatusText(res.StatusCode)}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem)) // what there is of it
	switch kind := res.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/problem+json"):
		if json.Unmarshal(body, p) != nil {
			*p = ProblemError{Title: "a malformed problem document"}
		}
	case strings.HasPrefix(kind, "text/plain"):
		p.Detail = strings.TrimSpace(string(body[:min(len(body), 200)]))
	case res.StatusCode < http.StatusBadRequest:
		p.Detail = "the server sends elsewhere: use the address it sends to, " + originOf(res)
	}
	p.Status = res.StatusCode
	p.RetryAfter = retryAfter(res.Header.Get("Retry-After"), time.Now())
	return p
}

// originOf is where a redirect leads, without the path: a token is in it.
func originOf(res *http.Response) string {
	to, err := res.Location()
	if err != nil {
		return "which it does not name"
	}
	return to.Scheme + "://" + to.Host
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
