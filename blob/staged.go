package blob

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"os"
	"sync"
)

// bufferSize is how much is hashed and written at a time. Senders' bytes come
// in pieces of 4 KiB and more; written like that, a picture costs twice the time,
// and beyond 64 KiB nothing is gained.
const bufferSize = 64 << 10

// Staged is a file on its way in. It is written by one goroutine, then read
// and kept. It stays readable until Discard, kept or not.
type Staged struct {
	store *Files
	file  *os.File
	hash  hash.Hash
	size  int64
	// failed is set when bytes may have been lost: the kernel reports that once
	// only, so a second sync would lie.
	failed  error
	synced  bool
	keptAt  string // where it was kept and made durable
	discard sync.Once
}

// Stage begins a file. The caller must Discard it.
func (f *Files) Stage(ctx context.Context) (*Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// CreateTemp opens with O_EXCL and mode 0600.
	file, err := os.CreateTemp(f.staging(), "*")
	if err != nil {
		return nil, unavailable("stage", err)
	}
	return &Staged{store: f, file: file, hash: sha256.New()}, nil
}

// Write appends to the file and its hash. An error is the store's.
func (s *Staged) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.hash.Write(p[:n])
	s.size += int64(n)
	if err != nil {
		s.failed = unavailable("write", err)
	}
	return n, s.failed
}

// ReadFrom appends everything that r gives, in large pieces. An error of r is
// returned as it is, one of the store is ErrUnavailable.
func (s *Staged) ReadFrom(r io.Reader) (total int64, err error) {
	buffer := s.store.buffers.Get().(*[bufferSize]byte)
	defer s.store.buffers.Put(buffer)
	for {
		n, readErr := fill(r, buffer[:])
		written, err := s.Write(buffer[:n])
		total += int64(written)
		switch {
		case err != nil:
			return total, err
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

// ReadAt reads what was written.
func (s *Staged) ReadAt(p []byte, off int64) (int, error) { return s.file.ReadAt(p, off) }

// Size is how many bytes were written.
func (s *Staged) Size() int64 { return s.size }

// Sum is the SHA-256 of what was written.
func (s *Staged) Sum() (sum [32]byte) {
	s.hash.Sum(sum[:0])
	return sum
}

// Discard closes and removes the staged file. What was kept of it stays. It may
// be called more than once.
func (s *Staged) Discard() {
	s.discard.Do(func() {
		s.file.Close()
		// What cannot be removed now is debris, which the sweep removes.
		_ = os.Remove(s.file.Name())
	})
}

// sync makes the bytes durable, once.
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

// at tells whether the file at path is this very file.
func (s *Staged) at(path string) bool {
	own, err := s.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(own, there)
}
