package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"inlet/db"
	"inlet/problem"
	"inlet/resume"
	"inlet/web/intake"
)

// Failures that only HTTP knows.
var (
	errUnauthorized     = problem.New(problem.Unauthorized, "the operator's token is needed: Authorization: Bearer <token>")
	errForbidden        = problem.New(problem.Forbidden, "the credential is not the right one")
	errNotFound         = problem.New(problem.NotFound, "there is nothing at this address")
	errBadRequest       = intake.ErrMalformed // in the address or a header, too
	errMethodNotAllowed = problem.New(problem.MethodNotAllowed, "this address does not have this method")
	errRange            = problem.New(problem.RangeNotSatisfiable, "the range cannot be satisfied")
	errEncoding         = problem.New(problem.UnsupportedFormat, "a Content-Encoding is not supported: send the bytes as they are")
)

// kind is the answer to a class of failures.
type kind struct {
	code   problem.Code
	status int
	title  string
}

// kinds is the one table from codes to answers.
var kinds = map[problem.Code]kind{
	problem.Unauthorized:        {status: http.StatusUnauthorized, title: "Unauthorized"},
	problem.Forbidden:           {status: http.StatusForbidden, title: "Forbidden"},
	problem.NotFound:            {status: http.StatusNotFound, title: "Not found"},
	problem.BadRequest:          {status: http.StatusBadRequest, title: "Bad request"},
	problem.MethodNotAllowed:    {status: http.StatusMethodNotAllowed, title: "Method not allowed"},
	problem.RangeNotSatisfiable: {status: http.StatusRequestedRangeNotSatisfiable, title: "Range not satisfiable"},
	problem.LinkInvalid:         {status: http.StatusForbidden, title: "Invalid link"},
	problem.LinkNotYetValid:     {status: http.StatusForbidden, title: "Link not valid yet"},
	problem.LinkExpired:         {status: http.StatusGone, title: "Link expired"},
	problem.LinkRevoked:         {status: http.StatusGone, title: "Link revoked"},
	problem.LinkExhausted:       {status: http.StatusGone, title: "Link used up"},
	problem.TooLarge:            {status: http.StatusRequestEntityTooLarge, title: "Too large"},
	problem.TooManyFiles:        {status: http.StatusRequestEntityTooLarge, title: "Too many files"},
	problem.UnsupportedFormat:   {status: http.StatusUnsupportedMediaType, title: "Unsupported format"},
	problem.TooManyPixels:       {status: http.StatusUnprocessableEntity, title: "Too many pixels"},
	problem.Undecodable:         {status: http.StatusUnprocessableEntity, title: "Undecodable picture"},
	problem.RateLimited:         {status: http.StatusTooManyRequests, title: "Too many requests"},
	problem.Overloaded:          {status: http.StatusServiceUnavailable, title: "Overloaded"},
	problem.NotReady:            {status: http.StatusServiceUnavailable, title: "Not ready"},
	problem.Unavailable:         {status: http.StatusServiceUnavailable, title: "A store cannot be reached"},
	problem.AlreadyTraining:     {status: http.StatusConflict, title: "Already training"},
	problem.Internal:            {status: http.StatusInternalServerError, title: "Internal error"},
}

// special are the failures of package resume whose status the tus protocol fixes,
// or whose title says more than their code's.
var special = []struct {
	err    error
	status int
	title  string
}{
	{resume.ErrUnfinished, http.StatusConflict, "Not complete"},
	{resume.ErrOffset, http.StatusConflict, "Another offset"},
	{resume.ErrVersion, http.StatusPreconditionFailed, "Unsupported version"},
	{resume.ErrLocked, http.StatusLocked, "Locked"},
	{resume.ErrTooMany, http.StatusTooManyRequests, "Too many unfinished uploads"},
	{resume.ErrInterrupted, http.StatusServiceUnavailable, "Interrupted"},
}

// kindOf looks an error up in the tables.
func kindOf(err error) kind {
	code := db.CodeOf(err)
	for _, row := range special {
		if errors.Is(err, row.err) {
			return kind{code, row.status, row.title}
		}
	}

	k, known := kinds[code]
	if !known { // a stored result may be newer than this process
		k = kinds[problem.Internal]
	}
	k.code = code

	return k
}

// Problem is the answer to a request that failed, as RFC 9457 has it.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Code   problem.Code `json:"code"`
	// Results is set when an upload had files and none was accepted.
	Results []entry `json:"results,omitempty"`
}

// problemOf is the document of an error. Clients read the text of their own
// errors, never that of the service's failures.
func problemOf(err error) Problem {
	k, detail := kindOf(err), err.Error()
	switch {
	case k.code == problem.Internal:
		detail = "Something went wrong on our side; the log has it under the request's id."
	case errors.Is(err, resume.ErrInterrupted): // its text tells that nothing was lost
	case k.code == problem.Unavailable:
		detail = "A store of the service cannot be reached right now. Nothing was lost; please try again."
	case k.code == problem.Overloaded:
		detail = "The service has more to do than it can at the moment; please try again."
	}

	return k.problem(detail)
}

func (k kind) problem(detail string) Problem {
	return Problem{Type: "urn:inlet:problem:" + string(k.code), Title: k.title, Status: k.status, Detail: detail, Code: k.code}
}

// askToWait tells a client when to try again, where that helps. For rates,
// package intake has already told it.
func askToWait(h http.Header, status int) {
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests && h.Get("Retry-After") == "" {
		h.Set("Retry-After", retryAfter())
	}
}

// retryAfter is a number of seconds. It differs from one answer to the next, so
// that clients who were refused together do not come back together.
func retryAfter() string { return strconv.Itoa(2 + rand.IntN(4)) }

// writeProblem answers with a problem document.
func writeProblem(w http.ResponseWriter, p Problem) {
	h := w.Header()
	askToWait(h, p.Status)
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	for _, name := range []string{"ETag", "Cache-Control", "Content-Disposition", "Content-Encoding", "Last-Modified"} {
		h.Del(name)
	}
	if err := writeJSONAs(w, p.Status, "application/problem+json", p); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// writeJSON answers with v. It fails before the answer begins, or not at all.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	return writeJSONAs(w, status, typeJSON, v)
}

func writeJSONAs(w http.ResponseWriter, status int, contentType string, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}

	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)

	return nil
}

// encode writes v as JSON and a line end. Addresses stay as they are: people copy
// them from a terminal.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}

	return text.Bytes(), nil
}

// gone tells whether a request failed only because its client left.
func gone(r *http.Request, err error) bool {
	return r.Context().Err() != nil && errors.Is(err, context.Canceled)
}
