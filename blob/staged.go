package blob

import (
	"hash"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Staged is a file on its way in. It is written, then read and kept, by one
// goroutine at a time. It stays readable until Discard, kept or not.
//
// It begins in memory: a file that turns out to be a copy, or is refused, never
// costs the disk anything. One that is too large for that, or comes while
// others hold the memory, goes to a file of the staging folder.
type Staged struct {
	staging *Staging
	hash    hash.Hash
	size    int64

	blocks []*block // all of the bytes, unless they are in the staging folder
	file   *os.File // in the staging folder or, once it is kept, in the store
	name   string   // of file, as long as it is in the staging folder
	buffer *block   // what is written to the staging folder next

	// failed is set when bytes may have been lost: the kernel reports that once
	// only, so a second sync would lie.
	failed  error
	synced  bool   // the file in the staging folder
	keptAt  string // where it was kept and made durable
	discard sync.Once
}

// Write appends to the file and its hash. An error is the store's.
func (s *Staged) Write(p []byte) (n int, err error) {
	for n < len(p) {
		space, err := s.space()
		if err != nil {
			return n, err
		}
		some := copy(space, p[n:])
		if err := s.add(space[:some]); err != nil {
			return n, err
		}
		n += some
	}
	return n, nil
}

// ReadFrom appends everything that r gives, in large pieces. An error of r is
// returned as it is, one of the store is ErrUnavailable.
func (s *Staged) ReadFrom(r io.Reader) (total int64, err error) {
	for {
		space, err := s.space()
		if err != nil {
			return total, err
		}
		n, readErr := fill(r, space)
		if err := s.add(space[:n]); err != nil {
			return total, err
		}
		total += int64(n)
		switch {
		case readErr == io.EOF: //nolint:errorlint // io.Reader ends with io.EOF itself; a wrapped one is a failure
			return total, nil
		case readErr != nil:
			return total, readErr
		}
	}
}

// fill reads until p is full or r fails. Unlike io.ReadFull it passes r's error
// as it is, so that a body that breaks off is not taken for one that ends.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = r.Read(p[n:])
		n += got
	}
	return n, err
}

// space returns where the next bytes go: the rest of the last block, a new one,
// or the buffer of a file in the staging folder.
func (s *Staged) space() ([]byte, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	if s.file == nil {
		if int64(len(s.blocks))*blockSize > s.size {
			return s.blocks[len(s.blocks)-1][s.size%blockSize:], nil
		}
		if b := s.staging.memory.take(len(s.blocks)); b != nil {
			s.blocks = append(s.blocks, b)
			return b[:], nil
		}
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	return s.buffer[:], nil
}

// add takes in what was put at the beginning of the space.
func (s *Staged) add(p []byte) error {
	if s.file != nil {
		if _, err := s.file.Write(p); err != nil {
			s.failed = unavailable("write", err)
			return s.failed
		}
	}
	s.hash.Write(p)
	s.size += int64(len(p))
	return nil
}

// spill moves what is in memory to a file in the staging folder.
func (s *Staged) spill() (err error) {
	// CreateTemp opens with O_EXCL and mode 0600.
	if s.file, err = os.CreateTemp(s.staging.dir, "*"); err != nil {
		s.failed = unavailable("stage", err)
		return s.failed
	}
	s.name = s.file.Name()
	if err := writeBlocks(s.file, s.blocks, s.size); err != nil {
		s.failed = unavailable("write", err)
		return s.failed
	}
	s.staging.memory.giveBack(s.blocks)
	s.blocks, s.buffer = nil, s.staging.memory.free.Get().(*block)
	return nil
}

// ReadAt reads what was written.
func (s *Staged) ReadAt(p []byte, off int64) (n int, err error) {
	switch {
	case off < 0 || (s.blocks == nil && s.file == nil):
		return 0, unavailable("read", fs.ErrInvalid)
	case s.blocks == nil:
		return s.file.ReadAt(p, off)
	}
	for n < len(p) && off < s.size {
		end := min(blockSize, s.size-off+off%blockSize)
		some := copy(p[n:], s.blocks[off/blockSize][off%blockSize:end])
		n, off = n+some, off+int64(some)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Size is how many bytes were written.
func (s *Staged) Size() int64 { return s.size }

// Sum is the SHA-256 of what was written.
func (s *Staged) Sum() (sum [32]byte) {
	s.hash.Sum(sum[:0])
	return sum
}

// Err is why the file cannot be kept, ErrUnavailable: some of its bytes may be
// lost, or it was discarded. It is nil while it can.
func (s *Staged) Err() error { return s.failed }

// KeptAt is where a store has kept the file and made it durable; empty before.
func (s *Staged) KeptAt() string { return s.keptAt }

// SetKeptAt is how a store notes that for its next Keep, which only looks.
func (s *Staged) SetKeptAt(place string) { s.keptAt = place }

// Discard lets the staged file go. What was kept of it stays. It may be called
// more than once.
func (s *Staged) Discard() {
	s.discard.Do(func() {
		s.staging.memory.giveBack(s.blocks)
		if s.buffer != nil {
			s.staging.memory.free.Put(s.buffer)
		}
		s.leave()
		s.blocks, s.buffer, s.file = nil, nil, nil
		s.failed = unavailable("use", fs.ErrClosed)
	})
}

// leave closes the file and removes it from the staging folder, if it is there.
func (s *Staged) leave() {
	if s.file != nil {
		s.file.Close()
	}
	if s.name != "" {
		// What cannot be removed now is debris, which the sweep removes.
		_ = os.Remove(s.name)
	}
}

// sync makes the bytes in the staging folder durable, once.
func (s *Staged) sync() error {
	if s.failed != nil || s.synced {
		return s.failed
	}
	if err := s.file.Sync(); err != nil {
		s.failed = unavailable("sync", err)
		return s.failed
	}
	s.synced = true
	return nil
}

// at tells whether the file at path is this very file. It is open, so no other
// can have its number.
func (s *Staged) at(path string) bool {
	if s.file == nil {
		return false
	}
	own, err := s.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(own, there)
}
