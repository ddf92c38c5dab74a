package main

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms hold latencies from 1 µs to an hour, to three digits.
const (
	maxLatency = time.Hour
	digits     = 3
	// maxExamples bounds the errors in a report.
	maxExamples = 10
)

// tally counts results, retries and errors. It is safe for concurrent use.
type tally struct {
	underWay atomic.Int64

	mu    sync.Mutex
	began time.Time
	took  time.Duration
	// full is the time in which users began new files; fullFiles and fullBytes are
	// the answered files of that time.
	full                 time.Duration
	fullFiles, fullBytes int64
	outcomes             map[string]*hdrhistogram.Histogram
	all                  *hdrhistogram.Histogram
	bytes                int64
	retries              map[string]int64
	failures             int64
	wrongs               int64
	examples             []string
}

func newTally() *tally {
	return &tally{outcomes: map[string]*hdrhistogram.Histogram{}, all: newHistogram(), retries: map[string]int64{}}
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency.Microseconds(), digits)
}

func (t *tally) start() { t.began = time.Now() }
func (t *tally) stop()  { t.took = time.Since(t.began) }

// rest ends the time in which users begin new files.
func (t *tally) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.full, t.fullFiles, t.fullBytes = time.Since(t.began), t.all.TotalCount(), t.bytes
}

// done records a file with a result.
func (t *tally) done(outcome string, latency time.Duration, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.outcomes[outcome]
	if h == nil {
		h = newHistogram()
		t.outcomes[outcome] = h
	}

	us := min(latency, maxLatency).Microseconds()
	_ = h.RecordValue(us) // within its bounds
	_ = t.all.RecordValue(us)
	t.bytes += bytes
}

// count records a failed attempt that the user repeats.
func (t *tally) count(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retries[why]++
}

// failed records a good file that was not accepted.
func (t *tally) failed(err error) { t.note(&t.failures, err) }

// wrong records an answer that cannot be true.
func (t *tally) wrong(err error) { t.note(&t.wrongs, err) }

func (t *tally) note(n *int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
	if len(t.examples) < maxExamples {
		t.examples = append(t.examples, err.Error())
	}
}

// latencies are quantiles in milliseconds.
type latencies struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p99_9_ms"`
	Max   float64 `json:"max_ms"`
}

func quantiles(h *hdrhistogram.Histogram) latencies {
	ms := func(percent float64) float64 { return float64(h.ValueAtQuantile(percent)) / 1000 }
	return latencies{h.TotalCount(), ms(50), ms(90), ms(99), ms(99.9), float64(h.Max()) / 1000}
}

// snapshot is the content of a line of progress.
type snapshot struct {
	files, bytes, retries, failures int64
	latency                         latencies
}

func (t *tally) snapshot() snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := snapshot{t.all.TotalCount(), t.bytes, 0, t.failures + t.wrongs, quantiles(t.all)}
	for n := range maps.Values(t.retries) {
		s.retries += n
	}

	return s
}
