package blob

import (
	"hash"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Staged is an arriving file. One goroutine at a time writes it, then reads and
// keeps it. It stays readable until Discard, whether it was kept or not.
//
// The bytes begin in memory: a file that turns out to be a copy, or is refused,
// never costs the disk anything. A file that outgrows its memory, or finds that
// others use all of it, moves to the staging folder.
type Staged struct {
	staging *Staging
	hash    hash.Hash
	size    int64

	blocks []*block // all bytes, unless they are in the staging folder
	file   *os.File // in the staging folder or, after Keep, in the store
	name   string   // the path of file in the staging folder, empty elsewhere
	buffer *block   // the next bytes for the staging folder

	// failed is set when bytes may be lost: the kernel reports that only once, so
	// a second sync would succeed.
	failed  error
	synced  bool   // file is durable
	keptAt  string // where a store has kept the file
	discard sync.Once
}

// Write appends to the file and its hash. Its errors are ErrUnavailable.
func (s *Staged) Write(p []byte) (n int, err error) {
	for n < len(p) {
		space, err := s.space()
		if err != nil {
			return n, err
		}

		copied := copy(space, p[n:])
		if err := s.add(space[:copied]); err != nil {
			return n, err
		}
		n += copied
	}
	return n, nil
}

// ReadFrom appends all bytes of r, in large pieces. It returns an error of r as it
// is, and ErrUnavailable for one of the store.
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

// fill reads until p is full or r fails. Unlike io.ReadFull it returns r's error
// as it is: a body that breaks off must not look like one that ends.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = r.Read(p[n:])
		n += got
	}
	return n, err
}

// space returns the memory for the next bytes: the rest of the last block, a new
// block, or the buffer of a file in the staging folder.
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
			return nil, s.fail("stage", err)
		}
	}
	return s.buffer[:], nil
}

// add appends p, which is the beginning of the space.
func (s *Staged) add(p []byte) error {
	if s.file != nil {
		if _, err := s.file.Write(p); err != nil {
			return s.fail("write", err)
		}
	}

	s.hash.Write(p)
	s.size += int64(len(p))
	return nil
}

// spill moves the bytes from memory to a file in the staging folder.
func (s *Staged) spill() (err error) {
	// CreateTemp opens with O_EXCL and mode 0600.
	if s.file, err = os.CreateTemp(s.staging.dir, "*"); err != nil {
		return err
	}
	s.name = s.file.Name()

	if err := writeBlocks(s.file, s.blocks, s.size); err != nil {
		return err
	}

	s.staging.memory.giveBack(s.blocks)
	s.blocks, s.buffer = nil, s.staging.memory.free.Get().(*block)
	return nil
}

// fail makes the file unusable.
func (s *Staged) fail(op string, err error) error {
	s.failed = unavailable(op, err)
	return s.failed
}

// ReadAt implements io.ReaderAt.
func (s *Staged) ReadAt(p []byte, off int64) (n int, err error) {
	switch {
	case off < 0 || (s.blocks == nil && s.file == nil):
		return 0, unavailable("read", fs.ErrInvalid)
	case s.blocks == nil:
		return s.file.ReadAt(p, off)
	}

	for n < len(p) && off < s.size {
		end := min(blockSize, s.size-off+off%blockSize)
		copied := copy(p[n:], s.blocks[off/blockSize][off%blockSize:end])
		n, off = n+copied, off+int64(copied)
	}

	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Size returns the number of bytes written.
func (s *Staged) Size() int64 { return s.size }

// Sum returns the SHA-256 of the bytes written.
func (s *Staged) Sum() (sum [32]byte) {
	s.hash.Sum(sum[:0])
	return sum
}

// Err returns nil while the file can be kept, and ErrUnavailable after some bytes
// may be lost or after Discard.
func (s *Staged) Err() error { return s.failed }

// KeptAt returns the place that SetKeptAt noted, empty before.
func (s *Staged) KeptAt() string { return s.keptAt }

// SetKeptAt notes where a store has kept the file and made it durable, so that the
// store's next Keep only checks that place.
func (s *Staged) SetKeptAt(place string) { s.keptAt = place }

// Discard releases the staged file; what a store kept of it stays. Further calls
// do nothing.
func (s *Staged) Discard() {
	s.discard.Do(func() {
		s.staging.memory.giveBack(s.blocks)
		if s.buffer != nil {
			s.staging.memory.free.Put(s.buffer)
		}

		s.leave()
		s.blocks, s.buffer, s.file = nil, nil, nil
		_ = s.fail("use", fs.ErrClosed)
	})
}

// leave closes the file and removes it from the staging folder.
func (s *Staged) leave() {
	if s.file != nil {
		s.file.Close()
	}
	if s.name != "" {
		_ = os.Remove(s.name) // SweepStaging removes what is left
	}
}

// sync makes the bytes in the staging folder durable, once.
func (s *Staged) sync() error {
	if s.failed != nil || s.synced {
		return s.failed
	}

	if err := s.file.Sync(); err != nil {
		return s.fail("sync", err)
	}
	s.synced = true
	return nil
}

// at tells whether path names this very file. The file is open, so no other file
// can have its number.
func (s *Staged) at(path string) bool {
	if s.file == nil {
		return false
	}

	own, err := s.file.Stat()
	if err != nil {
		return false
	}

	found, err := os.Lstat(path)
	return err == nil && os.SameFile(own, found)
}
