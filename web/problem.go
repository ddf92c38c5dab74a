package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"inlet/blob"
	"inlet/gallery"
	"inlet/imaging"
	"inlet/link"
	"inlet/resume"
	"inlet/upload"
)

// Failures that only HTTP knows.
var (
	errUnauthorized     = errors.New("the operator's token is needed: Authorization: Bearer <token>")
	errForbidden        = errors.New("the credential is not the right one")
	errNotFound         = errors.New("there is nothing at this address")
	errBadRequest       = errors.New("the request is malformed")
	errMethodNotAllowed = errors.New("this address does not have this method")
	errRange            = errors.New("the range cannot be satisfied")
	errBodyTooLarge     = errors.New("the request is too large")
	errEncoding         = errors.New("a Content-Encoding is not supported: send the bytes as they are")
)

// kind is what clients are told of a class of failures.
type kind struct {
	code   string
	status int
	title  string
}

var internal = kind{"internal", http.StatusInternalServerError, "Internal error"}

// kinds is the one table from errors to answers; the first match counts. What
// is not in it is internal.
var kinds = []struct {
	err error
	kind
}{
	{errUnauthorized, kind{"unauthorized", http.StatusUnauthorized, "Unauthorized"}},
	{errForbidden, kind{"forbidden", http.StatusForbidden, "Forbidden"}},
	{errNotFound, kind{"not-found", http.StatusNotFound, "Not found"}},
	{gallery.ErrNotFound, kind{"not-found", http.StatusNotFound, "Not found"}},
	{errBadRequest, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	{link.ErrSpec, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	{link.ErrCursor, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	{gallery.ErrFilter, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	{gallery.ErrCursor, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	{gallery.ErrLabels, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	{gallery.ErrWidth, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	{resume.ErrNotFound, kind{"not-found", http.StatusNotFound, "Not found"}},
	{resume.ErrProtocol, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
	// The statuses that clients of the tus protocol go by.
	{resume.ErrUnfinished, kind{"bad-request", http.StatusConflict, "Not complete"}},
	{resume.ErrOffset, kind{"bad-request", http.StatusConflict, "Another offset"}},
	{resume.ErrVersion, kind{"bad-request", http.StatusPreconditionFailed, "Unsupported version"}},
	{resume.ErrLocked, kind{"bad-request", http.StatusLocked, "Locked"}},
	{resume.ErrTooMany, kind{"rate-limited", http.StatusTooManyRequests, "Too many unfinished uploads"}},
	{resume.ErrInterrupted, kind{"unavailable", http.StatusServiceUnavailable, "Interrupted"}},
	{errMethodNotAllowed, kind{"method-not-allowed", http.StatusMethodNotAllowed, "Method not allowed"}},
	{errRange, kind{"range-not-satisfiable", http.StatusRequestedRangeNotSatisfiable, "Range not satisfiable"}},
	{link.ErrInvalid, kind{"link-invalid", http.StatusForbidden, "Invalid link"}},
	{link.ErrNotYetValid, kind{"link-not-yet-valid", http.StatusForbidden, "Link not valid yet"}},
	{link.ErrExpired, kind{"link-expired", http.StatusGone, "Link expired"}},
	{link.ErrRevoked, kind{"link-revoked", http.StatusGone, "Link revoked"}},
	{upload.ErrExhausted, kind{"link-exhausted", http.StatusGone, "Link used up"}},
	{upload.ErrTooLarge, kind{"too-large", http.StatusRequestEntityTooLarge, "Too large"}},
	{errBodyTooLarge, kind{"too-large", http.StatusRequestEntityTooLarge, "Too large"}},
	{upload.ErrTooManyFiles, kind{"too-many-files", http.StatusRequestEntityTooLarge, "Too many files"}},
	{imaging.ErrUnsupported, kind{"unsupported-format", http.StatusUnsupportedMediaType, "Unsupported format"}},
	{errEncoding, kind{"unsupported-format", http.StatusUnsupportedMediaType, "Unsupported encoding"}},
	{imaging.ErrTooManyPixels, kind{"too-many-pixels", http.StatusUnprocessableEntity, "Too many pixels"}},
	{imaging.ErrUndecodable, kind{"undecodable", http.StatusUnprocessableEntity, "Undecodable picture"}},
	{errRateLimited, kind{"rate-limited", http.StatusTooManyRequests, "Too many requests"}},
	{upload.ErrOverloaded, kind{"overloaded", http.StatusServiceUnavailable, "Overloaded"}},
	{imaging.ErrNotReady, kind{"not-ready", http.StatusServiceUnavailable, "Not ready"}},
	{upload.ErrUnavailable, kind{"unavailable", http.StatusServiceUnavailable, "A store cannot be reached"}},
	{blob.ErrUnavailable, kind{"unavailable", http.StatusServiceUnavailable, "A store cannot be reached"}},
	// Last, because it wraps what is wrong with the body where that is known.
	{upload.ErrIntake, kind{"bad-request", http.StatusBadRequest, "Bad request"}},
}

// Problem is the answer to a request that failed, as RFC 9457 has it.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	// Results is set when an upload had files and none was accepted.
	Results []entry `json:"results,omitempty"`
}

// problemOf looks an error up in the table. The text of a client's error is
// made to be shown; that of the service's own failures is not.
func problemOf(err error) Problem {
	k := kindOf(err)
	detail := err.Error()
	switch {
	case k.status == http.StatusInternalServerError:
		detail = "Something went wrong on our side; the log has it under the request's id."
	case errors.Is(err, resume.ErrInterrupted): // says itself that nothing was lost
	case k.code == "unavailable":
		detail = "A store of the service cannot be reached right now. Nothing was lost; please try again."
	case k.code == "overloaded":
		detail = "The service has more to do than it can at the moment; please try again."
	}
	return Problem{Type: "urn:inlet:problem:" + k.code, Title: k.title, Status: k.status, Detail: detail, Code: k.code}
}

func kindOf(err error) kind {
	for _, row := range kinds {
		if errors.Is(err, row.err) {
			return row.kind
		}
	}
	if storeAway(err) {
		return kindOf(upload.ErrUnavailable)
	}
	return internal
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
