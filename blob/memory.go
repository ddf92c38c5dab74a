package blob

import (
	"sync"
	"sync/atomic"
)

const (
	// blockSize is how much is read, hashed and written at a time. Senders' bytes
	// come in pieces of 4 KiB and more; handled like that, a picture costs twice
	// the time, and beyond 64 KiB nothing is gained.
	blockSize = 64 << 10
	// stagedMemory bounds the staged bytes that are held in memory, all files
	// together; fileMemory those of one file. What is more goes to the disk.
	stagedMemory = 32 << 20
	fileMemory   = 8 << 20
)

// block holds a part of a staged file. Its size makes the allocator begin it at
// a page, which direct writing needs.
type block [blockSize]byte

// memory hands out blocks.
type memory struct {
	total, file int64 // bounds in bytes
	used        atomic.Int64
	free        sync.Pool // of *block; it outlives no pause in the uploads
}

func newMemory(total, file int64) *memory {
	return &memory{total: total, file: file, free: sync.Pool{New: func() any { return new(block) }}}
}

// take returns one more block for a file that has so many, or nil if the file
// or all files together have as much as they may.
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
