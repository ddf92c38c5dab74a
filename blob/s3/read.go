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
	// window is what is fetched at least, and kept of what was read last: who
	// reads a header looks back now and then.
	window = 64 << 10
	// skipped is how far a stream is read on to get to where it is wanted next;
	// beyond it another request is cheaper.
	skipped = 256 << 10
)

// Exists tells whether something is kept under k.
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

// Open opens what is kept under k, or returns ErrNotFound. It asks for the size
// alone. The bytes are fetched when they are read, in one request for all that
// are read one after the other, for as long as ctx lasts.
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

func (s *Store) stat(ctx context.Context, name string) (minio.ObjectInfo, error) {
	if err := ctx.Err(); err != nil {
		return minio.ObjectInfo{}, err
	}
	within, dog := watch(ctx)
	defer dog.end()
	info, err := s.client.StatObject(within, s.bucket, name, minio.StatObjectOptions{})
	return info, failed(ctx, "look up", err)
}

// object is an opened object: a section of what is fetched.
type object struct {
	*io.SectionReader
	ranges *ranges
}

// object is one of a known size, and of this ETag unless that is empty.
func (s *Store) object(ctx context.Context, name, etag string, size int64) object {
	r := &ranges{size: size}
	r.fetch = func(off int64) (*stream, error) { return s.fetch(ctx, name, etag, off) }
	return object{io.NewSectionReader(r, 0, size), r}
}

// Close ends the request that is under way.
func (o object) Close() error {
	o.ranges.close()
	return nil
}

// fetch asks for all that begins at off. The object must still be the one that
// was opened, so that nobody reads half of one and half of another.
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

// stream is the body of one request.
type stream struct {
	body   io.ReadCloser
	dog    *watchdog
	failed func(error) error
}

// read fills p. While nobody reads, nobody waits for the server.
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

// ranges reads an object at any place.
type ranges struct {
	fetch func(off int64) (*stream, error)
	size  int64

	mu     sync.Mutex
	closed bool
	from   *stream // where the next bytes come from; nil when none is open
	next   int64   // where that is
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
		some, err := r.some(p[n:], off+int64(n))
		if n += some; err != nil {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// some reads from the window, or brings it nearer.
func (r *ranges) some(p []byte, off int64) (int, error) {
	if back := r.next - off; back > 0 && back <= int64(len(r.last)) {
		return copy(p, r.last[int64(len(r.last))-back:]), nil
	}
	if off < r.next || off-r.next > skipped || r.from == nil {
		r.drop()
		r.last, r.next = r.last[:0], off
	}
	return 0, r.advance()
}

// advance fetches the next window. A connection that breaks is replaced once;
// for one that hangs there was patience enough.
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

// fill reads the window, with a request where none is under way.
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

// drop ends the request that is under way.
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
