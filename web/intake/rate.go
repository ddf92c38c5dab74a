package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"inlet/link"
	"inlet/problem"
	"inlet/upload"
)

// VisitsPerFile is how many pages and checks a client may ask for per file of its
// limit: they cost a small part of a file.
const VisitsPerFile = 10

const (
	// redisWait is how long a file waits for Redis to count it. When Redis does
	// not answer, nothing is limited, and nothing asks it again for redisRest.
	redisWait = 250 * time.Millisecond
	redisRest = time.Second

	maxRate = 1_000_000
)

var errRateLimited = problem.New(problem.RateLimited, "too many files in a short time")

// Rate is a number of files in a period; all of them may come at once. Zero means
// no limit.
type Rate struct {
	Files  int
	Period time.Duration
}

// UnmarshalText reads "10/s", "600/m", "5000/h" or "20000/d"; "" is no limit.
func (r *Rate) UnmarshalText(text []byte) error {
	*r = Rate{}
	if len(text) == 0 {
		return nil
	}

	number, unit, _ := strings.Cut(string(text), "/")
	period, known := map[string]time.Duration{
		"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[unit]
	n, err := strconv.Atoi(number)
	if err != nil || !known || n < 1 || n > maxRate {
		return fmt.Errorf("want files in a period such as 10/s, 600/m, 5000/h or 20000/d, at most %d", maxRate)
	}
	*r = Rate{n, period}

	return nil
}

// RateOptions of Rates. All fields but the first are required.
type RateOptions struct {
	Redis        redis.UniversalClient // nil: nothing is limited
	Client, Link Rate                  // of one client address, and of one link
	Now          func() time.Time
	Log          *slog.Logger
	Registerer   prometheus.Registerer
}

// Rates limits how many files come, to all replicas together: Redis counts them.
type Rates struct {
	RateOptions
	limiter *redis_rate.Limiter
	refused *prometheus.CounterVec
	rests   atomic.Int64 // until when Redis is not asked, in nanoseconds
}

// NewRates makes Rates and registers its metric.
func NewRates(o RateOptions) *Rates {
	r := &Rates{RateOptions: o, refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "inlet_rate_limited_total", Help: "Files and requests refused because too many came in a short time.",
	}, []string{"limit"})}
	if o.Redis != nil {
		r.limiter = redis_rate.NewLimiter(o.Redis)
	}
	for _, name := range []string{"client", "link", "visits"} {
		r.refused.WithLabelValues(name)
	}
	o.Registerer.MustRegister(r.refused)

	return r
}

// File takes one file from the limits of the client and of the link. It writes
// what is left of them into the answer's header, and when a client that comes too
// often may return (Retry-After).
func (r *Rates) File(ctx context.Context, h http.Header, client netip.Addr, id link.ID) error {
	return r.spend(ctx, h, limit{"client", upload.Network(client).Addr().String(), r.Client}, limit{"link", string(id), r.Link})
}

// Visit takes one page or check from the client's limit, as File does.
func (r *Rates) Visit(ctx context.Context, h http.Header, client netip.Addr) error {
	return r.spend(ctx, h, limit{"visits", upload.Network(client).Addr().String(), Rate{r.Client.Files * VisitsPerFile, r.Client.Period}})
}

// limit is one of the limits that apply to a request.
type limit struct {
	name string // as the header has it
	who  string
	rate Rate
}

func (r *Rates) spend(ctx context.Context, h http.Header, limits ...limit) error {
	h.Del("RateLimit")
	h.Del("RateLimit-Policy")
	for _, l := range limits {
		if l.rate.Files == 0 || r.limiter == nil {
			continue
		}
		state, ok := r.count(ctx, l)
		if !ok {
			return nil
		}

		h.Add("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", l.name, l.rate.Files, seconds(l.rate.Period)))
		h.Add("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", l.name, state.Remaining, seconds(state.ResetAfter)))
		if state.Allowed == 0 {
			r.refused.WithLabelValues(l.name).Inc()
			h.Set("Retry-After", strconv.Itoa(seconds(state.RetryAfter)))
			return fmt.Errorf("%w: no more than %d in %v for a %s", errRateLimited, l.rate.Files, l.rate.Period, l.name)
		}
	}

	return nil
}

// count asks Redis. It is not ok when Redis does not answer.
func (r *Rates) count(ctx context.Context, l limit) (_ *redis_rate.Result, ok bool) {
	if r.Now().UnixNano() < r.rests.Load() {
		return nil, false
	}

	ctx, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	// The braces spread the keys over a cluster by client and by link.
	key := "inlet:" + l.name + ":{" + l.who + "}"
	state, err := r.limiter.Allow(ctx, key, redis_rate.Limit{Rate: l.rate.Files, Burst: l.rate.Files, Period: l.rate.Period})
	if err == nil {
		return state, true
	}
	if !errors.Is(err, context.Canceled) { // then the client has gone
		r.rests.Store(r.Now().Add(redisRest).UnixNano())
		r.Log.LogAttrs(ctx, slog.LevelWarn, "rates are not limited: Redis does not answer", slog.String("error", err.Error()))
	}

	return nil, false
}

// seconds are whole ones, at least 1.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }
