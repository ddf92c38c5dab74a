package heif

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/experimental"
)

const (
	page = 64 << 10 // bytes; WebAssembly's memory grows by pages
	// mostMemory is a page less than 32 bits address, so that Reallocate itself
	// refuses any excess, and notes it.
	mostMemory  = 4<<30 - page
	leastMemory = 4 << 20 // modules have tables of their own
)

// memory is a sandbox's memory. reserve takes all addresses at once, so growing
// copies nothing; the system provides a page when it is touched, and has it back
// after Free. In Go's heap the memory would stay, and delay the collector until as
// much again is allocated.
type memory struct {
	all     []byte     // nil after Free
	limit   int64      // bytes
	refused bool       // the module asked for more
	guard   sync.Mutex // guards all between Free and stop
}

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

// stopWhen stops the module that uses this memory once ctx is done. The caller
// must call release when the module has ended.
func (m *memory) stopWhen(ctx context.Context) (release func()) {
	released := make(chan struct{})
	go func() {
		select {
		case <-released:
			return
		case <-ctx.Done():
		}

		// The module may overwrite the flag, so set it again and again.
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

// stop sets the flag. It reports false after Free.
func (m *memory) stop() bool {
	m.guard.Lock()
	defer m.guard.Unlock()

	if m.all == nil {
		return false
	}
	m.all[stopFlag] = 1

	return true
}
