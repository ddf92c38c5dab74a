package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"inlet/problem"
	"inlet/resume"
)

// Failures that only HTTP knows.
var (
	errUnauthorized     = problem.New(problem.Unauthorized, "the operator's token is needed: Authorization: Bearer <token>")
	errForbidden        = problem.New(problem.Forbidden, "the credential is not the right one")
	errNotFound         = problem.New(problem.NotFound, "there is nothing at this address")
	errBadRequest       = problem.New(problem.BadRequest, "the request is malformed")
	errMethodNotAllowed = problem.New(problem.MethodNotAllowed, "this address does not have this method")
	errRange            = problem.New(problem.RangeNotSatisfiable, "the range cannot be satisfied")
	errTooManyFiles     = problem.New(problem.TooManyFiles, "the request has more files than the service takes at once")
	errBodyTooLarge     = problem.New(problem.TooLarge, "the request is too large")
	errEncoding         = problem.New(problem.UnsupportedFormat, "a Content-Encoding is not supported: send the bytes as they are")
)

// kind is what clients hear of a class of failures.
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
	problem.Internal:            {status: http.StatusInternalServerError, title: "Internal error"},
}

// tusKinds are the failures whose status the tus protocol fixes.
var tusKinds = []struct {
	err    error
	status int
	title  string
}{
	{resume.ErrUnfinished, http.StatusConflict, "Not complete"},
	{resume.ErrOffset, http.StatusConflict, "Another offset"},
	{resume.ErrVersion, http.StatusPreconditionFailed, "Unsupported version"},
	{resume.ErrLocked, http.StatusLocked, "Locked"},
}

// kindOf looks an error up in the tables.
func kindOf(err error) kind {
	code := problem.CodeOf(err)
	if code == problem.Internal && storeAway(err) {
		code = problem.Unavailable
	}
	for _, row := range tusKinds {
		if errors.Is(err, row.err) {
			return kind{code, row.status, row.title}
		}
	}
	k := kinds[code]
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

// problemOf is the document of an error. The text of a client's error is made
// for clients; that of the service's own failures is not.
func problemOf(err error) Problem {
	k := kindOf(err)
	detail := err.Error()
	switch {
	case k.code == problem.Internal:
		detail = "Something went wrong on our side; the log has it under the request's id."
	case errors.Is(err, resume.ErrInterrupted): // says itself that nothing was lost
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

// askToWait says after how long a client may try again, where that may help.
// Where rates are limited it has been said by the one who counts.
func askToWait(h http.Header, status int) {
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests && h.Get("Retry-After") == "" {
		h.Set("Retry-After", retryAfter())
	}
}

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
	writeJSONAs(w, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	writeJSONAs(w, status, "application/json", v)
	return nil
}

// writeJSONAs writes v. A client that has gone is nobody to report to.
func writeJSONAs(w http.ResponseWriter, status int, contentType string, v any) {
	body := encode(v)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)
}

// encode writes v as JSON, with a line's end. Addresses stay as they are: a
// person copies them from a terminal.
func encode(v any) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // our own types always encode
	}
	return text.Bytes()
}

// gone tells whether a failure is only that the client went away.
func gone(r *http.Request, err error) bool {
	return r.Context().Err() != nil && errors.Is(err, context.Canceled)
}
