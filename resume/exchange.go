package resume

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/upload"
)

// Transfer is what one request is about, and for whom.
type Transfer struct {
	Sender upload.Sender // its link was found good
	Upload string        // the id in the request's path, "" for the collection
	Base   string        // the absolute address of the link's uploads, with a slash at the end
	Pause  time.Duration // how long the sender may pause
}

// exchange is one request. To tusd it is the store and the upload in it: the one
// session that the request's link may use.
type exchange struct {
	*Service
	Transfer
	conn *http.ResponseController
	log  *slog.Logger

	session *session       // nil until it is found or created
	stored  handler.Upload // its bytes in the Store; nil until they are opened
	lease   *lease         // nil while the request does not hold it
	ending  bool           // the request deletes the session
	failed  error          // the first failure that is not tusd's

	mu        sync.Mutex // guards what follows
	receiving bool
	stopped   error // why the request takes no more bytes
}

// exchange finds the session that a request is about.
func (s *Service) exchange(w http.ResponseWriter, r *http.Request, t Transfer) (e *exchange, err error) {
	log := s.Log.With("request", w.Header().Get("X-Request-Id"))
	e = &exchange{Service: s, Transfer: t, conn: http.NewResponseController(w), log: log}
	if t.Upload != "" {
		e.session, err = s.sessions.find(r.Context(), t.Upload, t.Sender.Grant.ID, s.Now())
	}
	return e, err
}

// expiry is when a session ends that is used now.
func (e *exchange) expiry() time.Time {
	end := e.Now().Add(idleLife)
	if late := e.Sender.Grant.ExpiresAt.Add(lateLife); late.Before(end) {
		end = late
	}
	return end.UTC()
}

// fail keeps an error of which tusd would answer no more than the text.
func (e *exchange) fail(err error) error {
	if e.failed == nil {
		e.failed = err
	}
	return err
}

// The methods that tusd calls follow: those of handler.TerminaterDataStore and
// handler.TerminatableUpload.

func (e *exchange) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	return e, e.fail(e.create(ctx, info))
}

// create begins an upload. The bytes come before the row: a session in the table
// can be continued, and bytes without a session are swept.
func (e *exchange) create(ctx context.Context, info handler.FileInfo) error {
	if err := e.Uploads.Admit(ctx, e.Sender); err != nil {
		return err
	}

	info.ID = rand.Text()
	stored, err := e.Store.NewUpload(ctx, info)
	if err != nil {
		return failed("begin an upload", err)
	}
	n := session{ID: info.ID, StoredAs: info.ID, Size: info.Size, ExpiresAt: e.expiry()}
	if err := e.sessions.create(ctx, n, e.Sender.Grant.ID, e.Now().UTC()); err != nil {
		e.discard(n)
		return err
	}
	e.session, e.stored = &n, stored
	return nil
}

func (e *exchange) GetUpload(ctx context.Context, _ string) (handler.Upload, error) {
	return e, e.fail(e.open(ctx))
}

// open takes the lease and opens the session's bytes, if its result is not known.
func (e *exchange) open(ctx context.Context) error {
	if err := e.lock(ctx); err != nil || e.session.Result != nil {
		return err
	}
	return e.load(ctx)
}

func (e *exchange) load(ctx context.Context) error {
	stored, err := e.Store.GetUpload(ctx, e.session.StoredAs)
	switch {
	case errors.Is(err, handler.ErrNotFound):
		return ErrNotFound
	case err != nil:
		return failed("open an upload", err)
	}
	e.stored = stored
	return nil
}

func (e *exchange) GetInfo(ctx context.Context) (info handler.FileInfo, err error) {
	if e.session.Result != nil {
		return handler.FileInfo{ID: e.session.ID, Size: e.session.Size, Offset: e.session.Size}, nil
	}
	info, err = e.stored.GetInfo(ctx)
	info.ID = e.session.ID
	return info, e.fail(failed("look at an upload", err))
}

func (e *exchange) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	if err := e.lock(ctx); err != nil { // of a new session
		return 0, e.fail(err)
	}

	e.receive(true)
	defer e.receive(false)
	n, err := e.stored.WriteChunk(ctx, offset, guarded{src, e})
	if err == nil {
		return n, e.fail(e.halted())
	}

	return n, e.fail(failed("write", err))
}

// FinishUpload implements handler.Upload: Serve finishes it when tusd is done.
func (e *exchange) FinishUpload(context.Context) error { return nil }

// GetReader implements handler.Upload. tusd does not call it: it serves no downloads.
func (e *exchange) GetReader(ctx context.Context) (io.ReadCloser, error) {
	return e.stored.GetReader(ctx)
}

func (e *exchange) AsTerminatableUpload(handler.Upload) handler.TerminatableUpload { return e }

func (e *exchange) Terminate(ctx context.Context) error {
	if err := e.sessions.remove(ctx, e.session.ID); err != nil {
		return e.fail(err)
	}
	e.discard(*e.session)
	return nil
}

// discard removes the bytes of a session, or leaves them to the sweep.
func (e *exchange) discard(n session) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	if err := e.Store.Remove(ctx, n.StoredAs); err != nil {
		e.log.Warn("bytes of an upload were left to the sweep", "error", err)
	}
}

// lock takes the session's lease, if the request does not hold it. A session with a
// result changes no more and needs none. tusd's own locks are not used: what ends a
// request there misses one that has not begun to read.
func (e *exchange) lock(ctx context.Context) (err error) {
	if e.lease == nil && e.session.Result == nil {
		e.lease, err = e.leases.acquire(ctx, e.session, e.expiry(), e.stop)
	}
	return err
}

// unlock gives the lease back, if the request holds it.
func (e *exchange) unlock() {
	if e.lease == nil {
		return
	}
	if err := e.leases.release(context.Background(), e.lease, e.expiry()); err != nil {
		e.log.Warn("an upload stays locked for a moment", "error", err)
	}
}

// stop ends the receiving of bytes, now or before it begins. The pipeline is not
// stopped.
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

// halted tells why the request may write no more bytes; nil if it may.
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

// guarded ends a body when the request may write no more. As with tusd's own
// bodies that is no failure to the Store, which keeps what it has.
type guarded struct {
	io.Reader
	e *exchange
}

func (g guarded) Read(b []byte) (int, error) {
	if g.e.halted() != nil {
		return 0, io.EOF
	}

	n, err := g.Reader.Read(b)
	if g.e.halted() != nil { // the sender may have paused for long
		return 0, io.EOF
	}

	return n, err
}
