package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// longestPause bounds the wait for a server. A longer one is a failure, since a
// person should learn of it.
const longestPause = 2 * time.Minute

// retry calls attempt until it succeeds, fails for good or has failed o.Tries
// times in a row. An attempt that makes progress calls the pace's Reset.
func retry[T any](ctx context.Context, o Options, attempt func(*pace) (T, error)) (T, error) {
	p := &pace{tries: o.Tries, waits: backoff.NewExponentialBackOff()}
	p.waits.MaxInterval = 15 * time.Second
	p.waits.Multiplier = 2

	return backoff.Retry(ctx, func() (T, error) {
		result, err := attempt(p)
		p.asked = problemIn(err).RetryAfter
		if !passing(err) {
			err = final(err)
		}
		return result, err
	}, backoff.WithBackOff(p), backoff.WithMaxElapsedTime(0), backoff.WithNotify(o.Retrying))
}

// final marks a failure that another attempt must not follow. nil stays nil.
func final(err error) error { return backoff.Permanent(err) }

// pace is the time between attempts.
type pace struct {
	waits  *backoff.ExponentialBackOff
	tries  int
	failed int           // in a row
	asked  time.Duration // by the last answer
}

// NextBackOff implements backoff.BackOff.
func (p *pace) NextBackOff() time.Duration {
	p.failed++
	if p.failed >= p.tries || p.asked > longestPause {
		return backoff.Stop
	}
	return max(p.waits.NextBackOff(), p.asked)
}

// Reset starts the count of failures and the pauses again.
func (p *pace) Reset() {
	p.failed = 0
	p.waits.Reset()
}

// passing reports whether a failure may be over in a moment.
func passing(err error) bool {
	if problemIn(err).Code == "already-training" {
		return false
	}
	switch problemIn(err).Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout,
		http.StatusConflict, http.StatusLocked: // another request still holds the tus upload
		return true
	}
	_, network := errors.AsType[*NetworkError](err)
	return network && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// untaken reports whether the server surely did nothing: it refused, or the
// connection failed before the request. A gateway's failure leaves that open.
func untaken(err error) bool {
	if status := problemIn(err).Status; status != 0 {
		return status != http.StatusBadGateway && status != http.StatusGatewayTimeout
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
