package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// idleRead is how long a sender may pause: slow ones are served, stalled
	// ones are not.
	idleRead = 60 * time.Second
	// drainTime and drainBytes bound what is read of a body that was refused,
	// only so that the sender comes to read the answer.
	drainTime  = 30 * time.Second
	drainBytes = 256 << 20

	maxJSON = 64 << 10
	// maxPage is how many entries a page of a list may have.
	maxPage, defaultPage = 500, 50
)

var errStalled = fmt.Errorf("%w: the body did not arrive in time", errBadRequest)

// body is a request's body, bounded in bytes and in the time between two reads.
type body struct {
	r     io.Reader
	conn  *http.ResponseController
	idle  time.Duration
	armed time.Time // when the deadline was last set
	end   time.Time // no reading after this time; zero: no such bound
	begun bool
	done  bool
}

func newBody(w http.ResponseWriter, r *http.Request, limit int64) *body {
	return &body{r: http.MaxBytesReader(w, r.Body, limit), conn: http.NewResponseController(w), idle: idleRead}
}

func (b *body) Read(p []byte) (int, error) {
	b.begun = true
	b.arm()
	n, err := b.r.Read(p)
	if err == nil {
		return n, nil
	}
	b.done = true
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
		// Only here: the server itself reads on in a body that was not read to
		// its end, and must not wait for it without a deadline.
		_ = b.conn.SetReadDeadline(time.Time{})
		return n, io.EOF
	case errors.As(err, &tooLarge):
		return n, errBodyTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errStalled
	}
	return n, fmt.Errorf("%w: the body breaks off: %w", errBadRequest, err)
}

// arm moves the deadline on, not at every read. A connection without deadlines,
// as in tests, is left alone.
func (b *body) arm() {
	now := time.Now()
	if now.Sub(b.armed) < b.idle/60 {
		return
	}
	b.armed = now
	deadline := now.Add(b.idle)
	if !b.end.IsZero() && b.end.Before(deadline) {
		deadline = b.end
	}
	_ = b.conn.SetReadDeadline(deadline)
}

// discard reads what is left of a body that nobody wants. A sender that still
// waits for leave to send (100-continue) gets the answer instead.
func (b *body) discard(r *http.Request) {
	waits := strings.EqualFold(r.Header.Get("Expect"), "100-continue") && !b.begun
	if b.done || waits || r.ContentLength == 0 {
		return
	}
	b.end, b.armed = time.Now().Add(drainTime), time.Time{}
	_, _ = io.CopyN(io.Discard, b, drainBytes)
}

// readJSON reads a request's body of at most limit bytes into v, and refuses
// what v does not know: a misspelt limit must not make a link without one.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	dec := json.NewDecoder(newBody(w, r, limit))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		err = onlyOne(dec)
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBodyTooLarge), errors.Is(err, errBadRequest):
		return err
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the body is empty; a JSON object is expected", errBadRequest)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the JSON breaks off", errBadRequest)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: not JSON at byte %d: %w", errBadRequest, syntax.Offset, err)
	case errors.As(err, &kind):
		return fmt.Errorf("%w: field %q cannot be a %s", errBadRequest, kind.Field, kind.Value)
	}
	return fmt.Errorf("%w: %s", errBadRequest, strings.TrimPrefix(err.Error(), "json: "))
}

// onlyOne makes sure that nothing follows the value.
func onlyOne(dec *json.Decoder) error {
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = fmt.Errorf("%w: more than one JSON value", errBadRequest)
		}
		return err
	}
	return nil
}

// page reads the parameters of a list.
func page(r *http.Request) (limit int, cursor string, err error) {
	query := r.URL.Query()
	limit = defaultPage
	if text := query.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxPage {
			return 0, "", fmt.Errorf("%w: limit is a number from 1 to %d", errBadRequest, maxPage)
		}
	}
	return limit, query.Get("cursor"), nil
}

// next is how a list says where it goes on.
func next(cursor string) *string { return orNull(cursor) }

// orNull writes what is not there as null.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
