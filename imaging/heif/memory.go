package heif

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/experimental"
)

const (
	page = 64 << 10 // what WebAssembly's memory grows by
	// mostMemory is what 32 bits address, but for a page: so that whatever is
	// refused is refused here, and known.
	mostMemory  = 4<<30 - page
	leastMemory = 4 << 20 // modules have tables of their own
)

// memory is that of a sandbox. Addresses are reserved for all of it at once, so
// growing copies nothing; the system gives what is touched and has it back with
// Free. In Go's heap it would stay, and let the collector wait for as much again.
type memory struct {
	all     []byte // nil once it is free
	limit   int64
	refused bool       // more was asked for than there is
	guard   sync.Mutex // all against stop
}

// reserve makes a memory of at most so many bytes.
func reserve(limit int64) (*memory, error) {
	limit = min(max(limit, leastMemory), mostMemory, math.MaxInt) / page * page
	all, err := mapMemory(int(limit))
	return &memory{all: all, limit: limit}, err
}

// Allocate implements experimental.MemoryAllocator for the one memory of a module.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.all)) {
		m.refused = true
		return nil
	}
	return m.all[:size:size]
}

// Free implements experimental.LinearMemory. It may be called more than once.
func (m *memory) Free() {
	m.guard.Lock()
	defer m.guard.Unlock()
	if m.all != nil {
		unmapMemory(m.all)
		m.all = nil
	}
}

// stopWhen stops the module that has this memory when ctx is done, until the
// function that it returns is called.
func (m *memory) stopWhen(ctx context.Context) (release func()) {
	released := make(chan struct{})
	go func() {
		select {
		case <-released:
			return
		case <-ctx.Done():
		}
		// More than once, should the module write there itself.
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for m.stop() {
			select {
			case <-released:
				return
			case <-again.C:
			}
		}
	}()
	return func() { close(released) }
}

// stop sets the flag, and reports false when the memory is no more.
func (m *memory) stop() bool {
	m.guard.Lock()
	defer m.guard.Unlock()
	if m.all == nil {
		return false
	}
	m.all[stopFlag] = 1
	return true
}
