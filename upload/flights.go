package upload

import (
	"context"
	"sync"
)

// flights are the files that this process is working on. Files of the same
// bytes that arrive together are worked on once: the first goes ahead and the
// others find it known. It saves work only; that a picture is kept once is the
// database's doing.
type flights struct {
	mu    sync.Mutex
	under map[flight]chan struct{}
}

type flight struct {
	scope string
	sum   [32]byte
}

// follow waits while another file of the same bytes is worked on, or until ctx
// is done. It waits once: should the first one fail, all others try. The caller
// calls landed when its own file is done.
func (f *flights) follow(ctx context.Context, key flight) (landed func()) {
	f.mu.Lock()
	first, ahead := f.under[key]
	if !ahead {
		mine := make(chan struct{})
		if f.under == nil {
			f.under = map[flight]chan struct{}{}
		}
		f.under[key] = mine
		f.mu.Unlock()
		return func() {
			f.mu.Lock()
			delete(f.under, key)
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
