package registry

import (
	"context"
	"sync"
	"time"
)

// paced is a number that takes longer to count the more there is. It is counted
// again once ten times as long has passed as the last count took: consoles that ask
// every second cost the database a tenth of a processor at most.
type paced[T any] struct {
	mu    sync.Mutex // guards what follows; callers share a count under way
	value T
	until time.Time
}

func (p *paced[T]) get(ctx context.Context, count func(context.Context) (T, error)) (T, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := time.Now()
	if start.Before(p.until) {
		return p.value, nil
	}

	value, err := count(ctx)
	if err != nil {
		return value, err
	}
	end := time.Now()
	p.value, p.until = value, end.Add(10*end.Sub(start))

	return value, nil
}
