package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// longestPause is how long a server may ask to wait before that counts as a
// failure: whoever waits should know.
const longestPause = 2 * time.Minute

// retry calls attempt until it succeeds, fails for good or has failed o.Tries
// times in a row. An attempt that got further calls the pace's Reset.
func retry[T any](ctx context.Context, o Options, attempt func(*pace) (T, error)) (T, error) {
	p := &pace{tries: o.Tries, waits: backoff.NewExponentialBackOff()}
	p.waits.MaxInterval = 15 * time.Second
	p.waits.Multiplier = 2
	notify := func(err error, pause time.Duration) {
		if o.Retrying != nil {
			o.Retrying(err, pause)
		}
	}
	return backoff.Retry(ctx, func() (T, error) {
		result, err := attempt(p)
		p.asked = 0
		var problem *ProblemError
		if errors.As(err, &problem) {
			p.asked = problem.RetryAfter
		}
		return result, err
	}, backoff.WithBackOff(p), backoff.WithMaxElapsedTime(0), backoff.WithNotify(notify))
}

// final marks a failure that another attempt would not change.
func final(err error) error { return backoff.Permanent(err) }

// pace says how long to wait between attempts.
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

// Reset begins to count anew.
func (p *pace) Reset() {
	p.failed = 0
	p.waits.Reset()
}

// passing tells failures that may be over in a moment.
func passing(err error) bool {
	var problem *ProblemError
	if errors.As(err, &problem) {
		switch problem.Status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var network *NetworkError
	return errors.As(err, &network) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// untaken tells failures after which the server has surely not done what it was
// asked: it refused, or was not reached. The two of a gateway say neither.
func untaken(err error) bool {
	var problem *ProblemError
	if errors.As(err, &problem) {
		return problem.Status != http.StatusBadGateway && problem.Status != http.StatusGatewayTimeout
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
