package upload

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// places bounds how many files are inspected at once and how many wait.
type places struct {
	slots    *semaphore.Weighted
	queue    int64
	wait     time.Duration
	waiting  atomic.Int64
	occupied atomic.Int64
}

func newPlaces(slots, queue int, wait time.Duration) *places {
	return &places{slots: semaphore.NewWeighted(int64(slots)), queue: int64(queue), wait: wait}
}

// take waits for a place. It returns ErrOverloaded when the queue is full or
// the wait too long, and the context's error when the sender has gone.
func (p *places) take(ctx context.Context) (release func(), err error) {
	if p.waiting.Add(1) > p.queue {
		p.waiting.Add(-1)
		return nil, ErrOverloaded
	}
	waitCtx, cancel := context.WithTimeout(ctx, p.wait)
	err = p.slots.Acquire(waitCtx, 1)
	cancel()
	p.waiting.Add(-1)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			p.slots.Release(1)
		}
		return nil, ctx.Err()
	case err != nil:
		return nil, ErrOverloaded
	}
	p.occupied.Add(1)
	return func() {
		p.occupied.Add(-1)
		p.slots.Release(1)
	}, nil
}
