package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
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
)

const (
	// rateWait is how long a file waits for Redis to say whether it is within its
	// limits. When Redis does not, nothing is limited, and it is left alone for
	// rateRest.
	rateWait = 250 * time.Millisecond
	rateRest = time.Second
	// lookings is how many pages and checks a client may ask for per file of its
	// limit: they cost a small part of what a file does.
	lookings = 10
	maxRate  = 1_000_000
)

var errRateLimited = problem.New(problem.RateLimited, "too many files in a short time")

// Rate is so many files in a period, all of which may come at once. Zero means
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

// times is the rate of what there may be n times as much of.
func (r Rate) times(n int) Rate { return Rate{r.Files * n, r.Period} }

// rates keeps the limits, for all replicas together, in Redis.
type rates struct {
	limiter *redis_rate.Limiter
	now     func() time.Time
	log     *slog.Logger
	refused *prometheus.CounterVec
	rests   atomic.Int64 // until when, in nanoseconds
}

func newRates(rdb redis.UniversalClient, now func() time.Time, log *slog.Logger, reg prometheus.Registerer) *rates {
	r := &rates{now: now, log: log, refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "inlet_rate_limited_total", Help: "Files and requests refused because too many came in a short time.",
	}, []string{"limit"})}
	if rdb != nil {
		r.limiter = redis_rate.NewLimiter(rdb)
	}
	for _, name := range []string{"client", "link", "visits"} {
		r.refused.WithLabelValues(name)
	}
	reg.MustRegister(r.refused)
	return r
}

// limit is one of the limits that apply to a request.
type limit struct {
	name string // as the headers have it
	who  string
	rate Rate
}

// spend takes one from each limit and writes what is left of it into the answer's
// headers. It returns errRateLimited, with Retry-After set, when there is none.
func (r *rates) spend(ctx context.Context, h http.Header, limits ...limit) error {
	h.Del("RateLimit")
	h.Del("RateLimit-Policy")
	for _, l := range limits {
		if l.rate.Files == 0 || r.limiter == nil {
			continue
		}
		state, ok := r.take(ctx, l)
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

// take asks Redis. It is not ok when Redis does not say.
func (r *rates) take(ctx context.Context, l limit) (_ *redis_rate.Result, ok bool) {
	if r.now().UnixNano() < r.rests.Load() {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, rateWait)
	defer cancel()
	// The braces spread the keys of a cluster by whom they are of.
	key := "inlet:" + l.name + ":{" + l.who + "}"
	state, err := r.limiter.Allow(ctx, key, redis_rate.Limit{Rate: l.rate.Files, Burst: l.rate.Files, Period: l.rate.Period})
	if err == nil {
		return state, true
	}
	if !errors.Is(err, context.Canceled) { // the client has not gone
		r.rests.Store(r.now().Add(rateRest).UnixNano())
		r.log.LogAttrs(ctx, slog.LevelWarn, "rates are not limited: Redis does not answer", slog.String("error", err.Error()))
	}
	return nil, false
}

// seconds are whole ones, at least 1.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// spendFile takes a file from the limits of the client and of the link.
func (s *Server) spendFile(w http.ResponseWriter, r *http.Request, id link.ID) error {
	return s.rates.spend(r.Context(), w.Header(),
		limit{"client", network(s.client(r)), s.ClientRate}, limit{"link", string(id), s.LinkRate})
}

// asVisitor bounds how often a client looks at links and asks what is known.
func (s *Server) asVisitor(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		visits := limit{"visits", network(s.client(r)), s.ClientRate.times(lookings)}
		if err := s.rates.spend(r.Context(), w.Header(), visits); err != nil {
			return err
		}
		return h(w, r)
	}
}

// network is what a client cannot choose of its address: of IPv6 the first half.
func network(client netip.Addr) string {
	if client.Is6() {
		p, _ := client.Prefix(64) // fits
		return p.Addr().String()
	}
	return client.String()
}

// retryAfter is when a client is to come back, in seconds, to what passes by
// itself. It differs from one answer to the next, so that those who were sent
// away together do not come back together.
func retryAfter() string { return strconv.Itoa(2 + rand.IntN(4)) }
