package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync"

	"github.com/minio/minio-go/v7"

	"inlet/blob"
)

const (
	// window is the size of a read from the server. The last one is cached, because
	// parsers of headers go back now and then.
	window = 64 << 10
	// skipped bounds the bytes that a forward seek reads and drops; above it a new
	// request is cheaper.
	skipped = 256 << 10
)

// Exists tells whether the store has the object k.
func (s *Store) Exists(ctx context.Context, k blob.Key) (bool, error) {
	name, err := s.name(k)
	if err != nil {
		return false, err
	}
	_, err = s.stat(ctx, name)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Open opens the object k, or returns ErrNotFound. It asks for the size alone;
// reads fetch the bytes, until ctx ends, and sequential reads share one request.
func (s *Store) Open(ctx context.Context, k blob.Key) (blob.Blob, error) {
	name, err := s.name(k)
	if err != nil {
		return nil, err
	}

	info, err := s.stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.object(ctx, name, info.ETag, info.Size), nil
}

func (s *Store) stat(ctx context.Context, name string) (info minio.ObjectInfo, err error) {
	err = attempt(ctx, "look up", func(ctx context.Context, _ *watchdog) (err error) {
		info, err = s.client.StatObject(ctx, s.bucket, name, minio.StatObjectOptions{})
		return err
	})
	return info, err
}

// object is an open object.
type object struct {
	*io.SectionReader
	ranges *ranges
}

// object opens an object of a known size. With an ETag, reads fail once another
// object has replaced it.
func (s *Store) object(ctx context.Context, name, etag string, size int64) object {
	r := &ranges{size: size}
	r.fetch = func(off int64) (*stream, error) { return s.fetch(ctx, name, etag, off) }
	return object{io.NewSectionReader(r, 0, size), r}
}

// Close ends the current request.
func (o object) Close() error {
	o.ranges.close()
	return nil
}

// fetch requests the bytes from off to the end.
func (s *Store) fetch(ctx context.Context, name, etag string, off int64) (*stream, error) {
	var o minio.GetObjectOptions
	if off > 0 {
		o.Set("Range", fmt.Sprintf("bytes=%d-", off))
	}
	if etag != "" {
		o.Set("If-Match", strconv.Quote(etag))
	}

	within, dog := watch(ctx)
	got, _, header, err := s.client.GetObject(within, s.bucket, name, o)
	if err == nil && off > 0 && header.Get("Content-Range") == "" {
		got.Close()
		err = errors.New("the server does not serve ranges")
	}
	if err != nil {
		dog.end()
		return nil, failed(ctx, "read", err)
	}

	dog.pause()
	return &stream{body: got, dog: dog, failed: func(err error) error { return failed(ctx, "read", err) }}, nil
}

// stream is the body of an answer.
type stream struct {
	body   io.ReadCloser
	dog    *watchdog
	failed func(error) error
}

// read fills p. The watchdog runs only while it waits for the server.
func (s *stream) read(p []byte) error {
	s.dog.progress()
	defer s.dog.pause()
	_, err := io.ReadFull(s.body, p)
	return s.failed(err)
}

func (s *stream) close() {
	s.body.Close()
	s.dog.end()
}

// ranges reads an object at any offset.
type ranges struct {
	fetch func(off int64) (*stream, error)
	size  int64

	mu     sync.Mutex
	closed bool
	from   *stream // nil if no request is open
	next   int64   // the offset of the stream's next bytes
	last   []byte  // the bytes before next
}

// ReadAt implements io.ReaderAt.
func (r *ranges) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()

	if r.closed || off < 0 {
		return 0, fmt.Errorf("%w: read: %w", blob.ErrUnavailable, fs.ErrInvalid)
	}

	for n < len(p) && off+int64(n) < r.size {
		copied, err := r.step(p[n:], off+int64(n))
		if n += copied; err != nil {
			return n, err
		}
	}

	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// step copies bytes from the window or, without copying any, moves the window
// towards off.
func (r *ranges) step(p []byte, off int64) (int, error) {
	if back := r.next - off; back > 0 && back <= int64(len(r.last)) {
		return copy(p, r.last[int64(len(r.last))-back:]), nil
	}

	if off < r.next || off-r.next > skipped || r.from == nil {
		r.drop()
		r.last, r.next = r.last[:0], off
	}
	return 0, r.advance()
}

// advance fetches the next window. It replaces a broken connection once, but not
// one that hung until patience ended.
func (r *ranges) advance() error {
	if r.last == nil {
		r.last = make([]byte, 0, window)
	}

	r.last = r.last[:min(window, r.size-r.next)]
	err := r.fill()
	if errors.Is(err, blob.ErrUnavailable) && !errors.Is(err, errStalled) {
		err = r.fill()
	}
	if err != nil {
		r.last = r.last[:0]
		return err
	}

	r.next += int64(len(r.last))
	if r.next == r.size {
		r.drop()
	}
	return nil
}

// fill reads the window and begins a request if none is open.
func (r *ranges) fill() (err error) {
	if r.from == nil {
		if r.from, err = r.fetch(r.next); err != nil {
			return err
		}
	}

	if err = r.from.read(r.last); err != nil {
		r.drop()
	}
	return err
}

// drop ends the current request.
func (r *ranges) drop() {
	if r.from != nil {
		r.from.close()
		r.from = nil
	}
}

func (r *ranges) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	r.closed = true
}
