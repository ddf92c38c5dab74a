package upload

import (
	"context"
	"sync"
)

// singleflight works once on files of the same bytes that arrive together: the
// first goes ahead, and the others find it stored. It saves work only; the
// database makes a picture one row.
type singleflight struct {
	mu    sync.Mutex // guards ahead
	ahead map[content]chan struct{}
}

// content is bytes in a scope.
type content struct {
	scope string
	sum   [32]byte
}

// follow waits while this process works on another file of the same bytes, or
// until ctx is done. It waits once: should the first file fail, all others try.
// The caller calls done when its own file is through.
func (f *singleflight) follow(ctx context.Context, key content) (done func()) {
	f.mu.Lock()
	first, follows := f.ahead[key]
	if !follows {
		mine := make(chan struct{})
		if f.ahead == nil {
			f.ahead = map[content]chan struct{}{}
		}
		f.ahead[key] = mine
		f.mu.Unlock()

		return func() {
			f.mu.Lock()
			delete(f.ahead, key)
			f.mu.Unlock()
			close(mine)
		}
	}
	f.mu.Unlock()

	select {
	case <-first:
	case <-ctx.Done():
	}

	return func() {}
}
