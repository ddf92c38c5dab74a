package blob

import (
	"sync"
	"sync/atomic"
)

const (
	// blockSize is the unit of reading, hashing and writing. Senders' bytes arrive
	// in pieces of 4 KiB and more; in such pieces a picture costs twice the time,
	// and blocks above 64 KiB save nothing.
	blockSize = 64 << 10
	// stagedMemory bounds the staged bytes in memory of all files together, and
	// fileMemory those of one file. The rest goes to the disk.
	stagedMemory = 32 << 20
	fileMemory   = 8 << 20
)

// block holds a part of a staged file. Its size makes the allocator align it to a
// page, which direct writing needs.
type block [blockSize]byte

// memory is the pool of blocks.
type memory struct {
	total, file int64 // bounds in bytes
	used        atomic.Int64
	free        sync.Pool // of *block; the garbage collector empties it
}

func newMemory(total, file int64) *memory {
	return &memory{total: total, file: file, free: sync.Pool{New: func() any { return new(block) }}}
}

// take returns a block for a file that has so many, or nil if the file or all
// files together have reached their bound.
func (m *memory) take(has int) *block {
	if int64(has+1)*blockSize > m.file {
		return nil
	}

	if m.used.Add(blockSize) > m.total {
		m.used.Add(-blockSize)
		return nil
	}
	return m.free.Get().(*block)
}

func (m *memory) giveBack(blocks []*block) {
	m.used.Add(-blockSize * int64(len(blocks)))
	for _, b := range blocks {
		m.free.Put(b)
	}
}
