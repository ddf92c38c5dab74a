package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// minBackoff and maxBackoff bound a user's pauses; Retry-After may exceed them.
const (
	minBackoff = 200 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// load is the users, their files and the results.
type load struct {
	options
	target *target
	source source
	known  *ledger
	tally  *tally
	client *http.Client
	// settling bounds the wait for the statistics: they follow an answer within a
	// second, and merges of copies come later.
	settling time.Duration
}

func newLoad(o options, t *target) (*load, error) {
	l := &load{options: o, target: t, known: newLedger(), tally: newTally(), settling: 20 * time.Second}
	l.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: o.users, IdleConnTimeout: time.Minute, DisableCompression: true, WriteBufferSize: 16 << 10,
	}}
	var err error
	if o.dir != "" {
		l.source, err = newFolder(o.dir, l.known)
	} else {
		l.source, err = newGenerated(o, l.known)
	}

	return l, err
}

// run lets all users send until the time is over, and waits for the files under
// way.
func (l *load) run(ctx context.Context) {
	begin, cancel := context.WithTimeout(ctx, l.duration)
	defer cancel()
	l.tally.start()
	var users sync.WaitGroup
	for i := range l.users {
		users.Go(func() { l.user(begin, ctx, i) })
	}

	users.Go(func() {
		<-begin.Done()
		l.tally.rest()
	})

	users.Wait()
	l.tally.stop()
	l.client.CloseIdleConnections()
}

// user sends one file after the other, and begins none after the end of begin.
func (l *load) user(begin, ctx context.Context, i int) {
	rnd := rand.New(rand.NewPCG(l.seed, uint64(i)))
	slow := byteSize(0)
	if l.slow.hit(rnd) {
		slow = l.slowRate
	}

	link := l.target.links[i%len(l.target.links)]
	for next := l.next(time.Now(), rnd); pause(begin, time.Until(next)); next = l.next(next, rnd) {
		f, err := l.source.next(rnd)
		if err != nil {
			l.tally.failed(err)
			return
		}

		from := next
		if l.rate == 0 {
			from = time.Now()
		}

		l.deliver(ctx, post{file: f, link: link, form: l.form, slow: slow}, from, rnd)
	}
}

// next is the planned beginning of a user's next file. With a rate, the users
// together are a Poisson process, which does not wait for answers.
func (l *load) next(last time.Time, rnd *rand.Rand) time.Time {
	if l.rate > 0 {
		return last.Add(time.Duration(rnd.ExpFloat64() * float64(l.users) / l.rate * float64(time.Second)))
	}

	return time.Now().Add(time.Duration(rnd.ExpFloat64() * float64(l.think)))
}

// deliver retries a file until the service acknowledges it or patience ends.
func (l *load) deliver(ctx context.Context, p post, from time.Time, rnd *rand.Rand) {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	l.tally.underWay.Add(1)
	defer l.tally.underWay.Add(-1)
	token := p.link
	cut := l.disconnects.hit(rnd)
	for attempt := 0; ; attempt++ {
		p.link = l.target.base() + "/u/" + token
		p.cut = 0
		unknown := cut && p.cutOff(rnd)
		cut = false
		e, err := p.send(ctx, l.client)
		wait, again := l.after(p, err, unknown, attempt, rnd)
		switch {
		case err == nil:
			l.accept(p.file, e, from)
			return
		case !again:
			l.tally.failed(err)
			return
		case !pause(ctx, wait):
			l.tally.failed(errors.Join(errors.New("gave up"), err))
			return
		}
	}
}

// backoff is the pause after so many attempts.
func backoff(attempts int) time.Duration { return min(minBackoff<<min(attempts, 10), maxBackoff) }

// after records an attempt without a result, and decides whether and when to
// retry.
func (l *load) after(p post, err error, unknown bool, attempt int, rnd *rand.Rand) (wait time.Duration, again bool) {
	wait = backoff(attempt)
	wait = wait/2 + time.Duration(rnd.Int64N(int64(wait)))
	var busy *busyError
	var lost *lostError
	switch {
	case err == nil:
		return 0, false
	case errors.Is(err, errCut):
		l.tally.count("cut off")
		if unknown {
			l.known.lost(p.file)
		}

		return 0, true
	case errors.As(err, &busy):
		l.tally.count(busy.Error())
		if busy.code != "overloaded" && busy.code != "rate-limited" {
			// The store may have failed just after the commit.
			l.known.lost(p.file)
		}

		return max(busy.after, wait), true
	case errors.As(err, &lost):
		l.known.lost(p.file)
		if l.reconnect {
			l.tally.count("no answer")
		}

		return wait, l.reconnect
	}

	return 0, false
}

// accept records a file's result.
func (l *load) accept(f file, e entry, from time.Time) {
	l.tally.done(e.outcome(), time.Since(from), f.size)
	switch e.Status {
	case "stored", "duplicate":
		if err := l.known.acknowledge(f, e); err != nil {
			l.tally.wrong(err)
		}
	default:
		l.known.refused()
		if f.work.album >= 0 {
			l.tally.failed(errors.New("a good picture was rejected: " + e.Error.Detail))
		}
	}
}

// pause waits for d, and tells whether ctx still runs.
func pause(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil || d <= 0 {
		return ctx.Err() == nil
	}

	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
