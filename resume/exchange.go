package resume

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"inlet/problem"

	"github.com/tus/tusd/v2/pkg/handler"
)

// exchange is one request, and what tusd's handler sees of the rest: a store that
// knows the one session which the request's link may use, and its lock.
type exchange struct {
	*Service
	Transfer
	conn *http.ResponseController

	session *session // nil until it is found or created
	lease   *lease   // nil while it is not held
	ending  bool     // the request deletes the session
	failed  error    // the first failure that is not tusd's

	mu        sync.Mutex // guards what follows
	receiving bool
	stopped   error // why no more bytes are taken
}

// fail remembers an error that tusd would make a text of.
func (e *exchange) fail(err error) error {
	if err != nil && e.failed == nil {
		e.failed = err
	}
	return err
}

// NewUpload implements handler.DataStore. The bytes come before the row: what is
// in the table can be continued, and bytes without a row are swept.
func (e *exchange) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	if err := e.Uploads.Admit(ctx, e.Sender); err != nil {
		return nil, e.fail(err)
	}
	info.ID = rand.Text()
	stored, err := e.Store.NewUpload(ctx, info)
	if err != nil {
		return nil, e.fail(problem.StoreFailed(fmt.Errorf("resume: begin an upload: %w", err)))
	}
	begun, err := stored.GetInfo(ctx)
	if err != nil {
		return nil, e.fail(problem.StoreFailed(err))
	}
	s := session{id: info.ID, storedAs: begun.ID, size: info.Size, expires: e.expiry(e.Transfer)}
	if err := e.sessions.create(ctx, s, e.Sender.Grant.ID, e.Now().UTC()); err != nil {
		e.discard(s)
		return nil, e.fail(err)
	}
	e.session = &s
	return &part{stored, e, s.id}, nil
}

// GetUpload implements handler.DataStore, under the lock. An upload whose bytes
// are all there and whose result is not yet known is finished here: no client is
// told that it is complete before that.
func (e *exchange) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	if e.session.result != nil {
		return &part{finished{e.session.size}, e, id}, nil
	}
	stored, info, err := e.stored(ctx)
	if err != nil {
		return nil, e.fail(err)
	}
	if info.Offset == info.Size && !e.ending {
		if err := e.finish(ctx, stored, info); err != nil {
			return nil, e.fail(err)
		}
		return &part{finished{info.Size}, e, id}, nil
	}
	return &part{stored, e, id}, nil
}

// stored is what the Store has of the session.
func (e *exchange) stored(ctx context.Context) (handler.Upload, handler.FileInfo, error) {
	stored, err := e.Store.GetUpload(ctx, e.session.storedAs)
	if errors.Is(err, handler.ErrNotFound) {
		return nil, handler.FileInfo{}, ErrNotFound
	}
	if err != nil {
		return nil, handler.FileInfo{}, problem.StoreFailed(fmt.Errorf("resume: open an upload: %w", err))
	}
	info, err := stored.GetInfo(ctx)
	if errors.Is(err, handler.ErrNotFound) {
		return nil, handler.FileInfo{}, ErrNotFound
	}
	return stored, info, problem.StoreFailed(err)
}

// AsTerminatableUpload implements handler.TerminaterDataStore.
func (e *exchange) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload {
	return u.(*part)
}

// NewLock implements handler.Locker.
func (e *exchange) NewLock(string) (handler.Lock, error) { return e, nil }

// Lock implements handler.Lock. A finished upload changes no more and needs none.
// tusd's own way to make a request end is not used: it misses one that has not
// begun to read.
func (e *exchange) Lock(ctx context.Context, _ func()) error {
	if e.session.result != nil || e.lease != nil {
		return nil
	}
	var err error
	e.lease, err = e.leases.acquire(ctx, e.session, e.expiry(e.Transfer), e.stop)
	return e.fail(err)
}

// Unlock implements handler.Lock.
func (e *exchange) Unlock() error {
	e.unlock()
	return nil
}

// unlock gives the lease back. It may be called without the lock.
func (e *exchange) unlock() {
	if e.lease == nil {
		return
	}
	held := e.lease
	e.lease = nil
	if err := e.leases.release(context.Background(), held, e.expiry(e.Transfer)); err != nil {
		e.Log.Warn("an upload stays locked for a moment", "error", err)
	}
}

// stop ends the receiving of bytes, now or before it begins. What follows the
// last byte goes on.
func (e *exchange) stop(why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped == nil {
		e.stopped = why
	}
	if e.receiving {
		_ = e.conn.SetReadDeadline(time.Now())
	}
}

// halted tells why no more bytes may be written.
func (e *exchange) halted() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped == nil && !e.lease.live() {
		e.stopped = ErrInterrupted
	}
	return e.stopped
}

func (e *exchange) receive(now bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.receiving = now
}

// discard removes the bytes of a session; what stays is swept.
func (e *exchange) discard(s session) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	if err := e.Store.Remove(ctx, s.storedAs); err != nil {
		e.Log.Warn("bytes of an upload were left to the sweep", slog.String("error", err.Error()))
	}
}

// part is what tusd sees of an upload.
type part struct {
	handler.Upload
	e  *exchange
	id string
}

// GetInfo implements handler.Upload.
func (p *part) GetInfo(ctx context.Context) (handler.FileInfo, error) {
	info, err := p.Upload.GetInfo(ctx)
	info.ID = p.id
	return info, err
}

// WriteChunk implements handler.Upload.
func (p *part) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	p.e.receive(true)
	defer p.e.receive(false)
	n, err := p.Upload.WriteChunk(ctx, offset, guarded{src, p.e})
	if err != nil {
		return n, p.e.fail(problem.StoreFailed(fmt.Errorf("resume: write: %w", err)))
	}
	return n, p.e.fail(p.e.halted())
}

// guarded ends a body when the right to write is over. As with tusd's own bodies
// that is no failure to the store, which keeps what it has.
type guarded struct {
	io.Reader
	e *exchange
}

func (g guarded) Read(b []byte) (int, error) {
	if g.e.halted() != nil {
		return 0, io.EOF
	}
	n, err := g.Reader.Read(b)
	// Looked at again: a sender may have been waited for long.
	if g.e.halted() != nil {
		return 0, io.EOF
	}
	return n, err
}

// FinishUpload implements handler.Upload: all bytes are there.
func (p *part) FinishUpload(ctx context.Context) error {
	if p.e.session.result != nil {
		return nil
	}
	if err := p.Upload.FinishUpload(ctx); err != nil {
		return p.e.fail(problem.StoreFailed(fmt.Errorf("resume: complete an upload: %w", err)))
	}
	info, err := p.Upload.GetInfo(ctx)
	if err != nil {
		return p.e.fail(problem.StoreFailed(err))
	}
	return p.e.fail(p.e.finish(ctx, p.Upload, info))
}

// Terminate implements handler.TerminatableUpload.
func (p *part) Terminate(ctx context.Context) error {
	if err := p.e.sessions.remove(ctx, p.id); err != nil {
		return p.e.fail(err)
	}
	p.e.discard(*p.e.session)
	return nil
}

// finished is an upload of which the result alone is left.
type finished struct{ size int64 }

func (f finished) GetInfo(context.Context) (handler.FileInfo, error) {
	return handler.FileInfo{Size: f.size, Offset: f.size}, nil
}

func (finished) WriteChunk(context.Context, int64, io.Reader) (int64, error) { return 0, errFinished }

func (finished) GetReader(context.Context) (io.ReadCloser, error) { return nil, errFinished }
func (finished) FinishUpload(context.Context) error               { return nil }

var errFinished = fmt.Errorf("%w: its bytes are gone", problem.ErrUnavailable)
