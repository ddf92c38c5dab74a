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

// watchdog ends an operation that makes no progress.
type watchdog struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// attempt runs an operation under a watchdog and translates its error.
func attempt(ctx context.Context, op string, fn func(ctx context.Context, dog *watchdog) error) error {
	if err := ctx.Err(); err != nil {
		return failed(ctx, op, err)
	}

	within, dog := watch(ctx)
	defer dog.end()
	return failed(ctx, op, fn(within, dog))
}

// watch begins an operation. Its context ends after patience without progress. The
// caller must call end.
func watch(ctx context.Context) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watchdog{
		timer:  time.AfterFunc(patience, func() { cancel(errStalled) }),
		cancel: cancel,
	}
}

// progress restarts the time.
func (w *watchdog) progress() { w.timer.Reset(patience) }

// pause stops the time until the next progress: nobody waits for the server.
func (w *watchdog) pause() { w.timer.Stop() }

func (w *watchdog) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// failed translates the error of an operation. ctx is the caller's, without the
// watchdog.
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

// isUnsupported tells that the server does not implement a request.
func isUnsupported(err error) bool {
	return isStatus(err, http.StatusNotImplemented) || isCode(err, minio.NotImplemented)
}

// isTaken tells that a new object exists already, or that another process is just
// putting or deleting it.
func isTaken(err error) bool {
	return isStatus(err, http.StatusPreconditionFailed) || isStatus(err, http.StatusConflict)
}

// body is a part of a staged file that a request sends.
type body struct {
	mu       sync.Mutex
	section  *io.SectionReader
	dog      *watchdog
	furthest int64
	done     bool
}

// send passes a part of a staged file to do. The answer may come before do has
// read the last byte, or never; after send returns, nothing reads the file.
func send(file io.ReaderAt, off, size int64, dog *watchdog, do func(io.Reader) error) error {
	b := &body{section: io.NewSectionReader(file, off, size), dog: dog}
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.done = true
	}()
	return do(b)
}

// Read counts as progress when it reaches bytes that were not sent before.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.done {
		return 0, context.Canceled
	}

	n, err := b.section.Read(p)
	if at, _ := b.section.Seek(0, io.SeekCurrent); at > b.furthest {
		b.furthest = at
		b.dog.progress()
	}
	return n, err
}

// Seek lets the client repeat a request.
func (b *body) Seek(offset int64, whence int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.section.Seek(offset, whence)
}
