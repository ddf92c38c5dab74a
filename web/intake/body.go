package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"inlet/problem"
)

const (
	// IdleRead is how long a sender may pause between two reads. The service
	// serves slow senders and drops stalled ones.
	IdleRead = 60 * time.Second
	// MaxJSON is the usual limit of a JSON body, in bytes.
	MaxJSON = 64 << 10

	// drainTime and drainBytes bound how much Discard reads.
	drainTime  = 30 * time.Second
	drainBytes = 256 << 20
)

// What can be wrong with a body.
var (
	ErrMalformed = problem.New(problem.BadRequest, "the request is malformed")
	ErrTooLarge  = problem.New(problem.TooLarge, "the request is too large")
	ErrStalled   = fmt.Errorf("%w: the body did not arrive in time", ErrMalformed)
)

// Body is a request's body, bounded in bytes and in the time between two reads.
// Its errors are io.EOF and those above.
type Body struct {
	Idle time.Duration // how long the sender may pause; NewBody sets IdleRead

	r     io.Reader
	conn  *http.ResponseController
	armed time.Time // when the deadline was last set
	end   time.Time // no reading after this time; zero: no such bound
	begun bool
	done  bool
}

// NewBody bounds the body of r to limit bytes.
func NewBody(w http.ResponseWriter, r *http.Request, limit int64) *Body {
	return &Body{Idle: IdleRead, r: http.MaxBytesReader(w, r.Body, limit), conn: http.NewResponseController(w)}
}

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
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
		// After any other end the server itself reads on in the body, and must
		// not do so without a deadline.
		_ = b.conn.SetReadDeadline(time.Time{})
		return n, io.EOF
	case errors.As(err, &tooLarge):
		return n, ErrTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, ErrStalled
	}

	return n, fmt.Errorf("%w: the body breaks off: %w", ErrMalformed, err)
}

// arm moves the connection's deadline on, at most sixty times in Idle. It leaves
// connections without deadlines, those of tests, alone.
func (b *Body) arm() {
	now := time.Now()
	if now.Sub(b.armed) < b.Idle/60 {
		return
	}

	b.armed = now
	deadline := now.Add(b.Idle)
	if !b.end.IsZero() && b.end.Before(deadline) {
		deadline = b.end
	}
	_ = b.conn.SetReadDeadline(deadline)
}

// Discard reads the rest of a refused body, within bounds: most clients read the
// answer only after they sent everything. A client that waits for leave to send
// (100-continue) gets the answer at once.
func (b *Body) Discard(r *http.Request) {
	waits := strings.EqualFold(r.Header.Get("Expect"), "100-continue") && !b.begun
	if b.done || waits || r.ContentLength == 0 {
		return
	}

	b.end, b.armed = time.Now().Add(drainTime), time.Time{}
	_, _ = io.CopyN(io.Discard, b, drainBytes)
}

// ReadJSON reads a body of at most limit bytes into v. It refuses unknown fields,
// so that a misspelt limit cannot make a link without one, and a second value.
func ReadJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	decoder := json.NewDecoder(NewBody(w, r, limit))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
	}

	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return fmt.Errorf("%w: more than one JSON value", ErrMalformed)
	case problem.CodeOf(err) != problem.Internal:
		return err
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the body is empty; a JSON object is expected", ErrMalformed)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the JSON breaks off", ErrMalformed)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: not JSON at byte %d: %w", ErrMalformed, syntax.Offset, err)
	case errors.As(err, &mismatch):
		return fmt.Errorf("%w: field %q cannot be a %s", ErrMalformed, mismatch.Field, mismatch.Value)
	}

	return fmt.Errorf("%w: %s", ErrMalformed, strings.TrimPrefix(err.Error(), "json: "))
}
