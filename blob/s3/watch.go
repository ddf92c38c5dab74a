package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"inlet/blob"
)

var errStalled = errors.New("the server does not answer")

// watchdog ends what makes no progress.
type watchdog struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// watch begins an operation. The context ends when there was no progress for
// the time of patience; the watchdog has to be ended.
func watch(ctx context.Context) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watchdog{
		timer:  time.AfterFunc(patience, func() { cancel(errStalled) }),
		cancel: cancel,
	}
}

// progress begins the time anew.
func (w *watchdog) progress() { w.timer.Reset(patience) }

// pause stops the time until there is progress again: nobody waits for the
// server meanwhile.
func (w *watchdog) pause() { w.timer.Stop() }

func (w *watchdog) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// failed says what the failure of an operation means. ctx is the caller's.
func failed(ctx context.Context, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("s3: %s: %w", op, ctx.Err())
	case isCode(err, minio.NoSuchKey):
		return blob.ErrNotFound
	case errors.Is(err, context.Canceled): // by the watchdog
		err = errStalled
	}
	return fmt.Errorf("%w: %s: %w", blob.ErrUnavailable, op, err)
}

func isCode(err error, code string) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.Code == code
}

func isStatus(err error, status int) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode == status
}

// isUnsupported tells that a server does not have what it was asked for.
func isUnsupported(err error) bool {
	return isStatus(err, http.StatusNotImplemented) || isCode(err, minio.NotImplemented)
}

// isTaken tells that an object is there that was to be new, or is just being put
// or deleted by others.
func isTaken(err error) bool {
	return isStatus(err, http.StatusPreconditionFailed) || isStatus(err, http.StatusConflict)
}

// body is a part of a staged file on its way to the server.
type body struct {
	mu       sync.Mutex
	bytes    *io.SectionReader
	dog      *watchdog
	furthest int64
	done     bool
}

// send passes a part of a staged file to do. An answer may come before the last
// byte is read, or never; when send returns, nothing reads the file any more.
func send(file io.ReaderAt, off, size int64, dog *watchdog, do func(io.Reader) error) error {
	b := &body{bytes: io.NewSectionReader(file, off, size), dog: dog}
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.done = true
	}()
	return do(b)
}

// Read is progress where it comes to bytes that were not sent before.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return 0, context.Canceled
	}
	n, err := b.bytes.Read(p)
	if at, _ := b.bytes.Seek(0, io.SeekCurrent); at > b.furthest {
		b.furthest = at
		b.dog.progress()
	}
	return n, err
}

// Seek lets a request be sent again.
func (b *body) Seek(offset int64, whence int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Seek(offset, whence)
}
