package resume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/problem"
	"inlet/upload"
)

// finish takes an upload whose bytes are all there through the pipeline, under
// the lock. That the file was accepted and that the session has its result is one
// transaction. A client that leaves meanwhile finds the result later.
func (e *exchange) finish(ctx context.Context, stored handler.Upload, info handler.FileInfo) error {
	// An empty upload is complete without anybody having locked it.
	if err := e.Lock(ctx, nil); err != nil || e.session.result != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	// tusd's deadlines are counted from the last byte.
	end := time.Now().Add(finishTime + e.Pause)
	_, _ = e.conn.SetReadDeadline(end), e.conn.SetWriteDeadline(end)
	body, err := open(ctx, stored)
	if err != nil {
		return problem.StoreFailed(fmt.Errorf("resume: read an upload: %w", err))
	}
	defer body.Close()

	var document []byte
	expires := e.Now().Add(resultLife).UTC()
	from := e.Sender
	from.Record = func(b *pgx.Batch, r upload.Result) {
		document = e.Document(r)
		record(b, e.session, e.lease.holder, document, expires)
	}
	result := e.Uploads.Accept(ctx, from, filename(info.MetaData), body)
	switch {
	case errors.Is(result.Err, upload.ErrIntake): // what was sent is on our own disk
		return problem.StoreFailed(result.Err)
	case !result.Settled():
		return result.Err
	case result.Err != nil:
		document = e.Document(result)
		if err := e.sessions.record(ctx, e.session, e.lease.holder, document, expires); err != nil {
			return err
		}
		e.Refused(result)
	}
	e.session.result = document
	e.discard(*e.session)
	return nil
}

// open reads what is stored. A process may have died before it completed the
// upload in the store.
func open(ctx context.Context, stored handler.Upload) (io.ReadCloser, error) {
	body, err := stored.GetReader(ctx)
	if err == nil {
		return body, nil
	}
	if err := stored.FinishUpload(ctx); err != nil {
		return nil, err
	}
	return stored.GetReader(ctx)
}

// filename is the name that the client gave the file. Both keys are usual.
func filename(meta handler.MetaData) string {
	if name := meta["filename"]; name != "" {
		return name
	}
	return meta["name"]
}

// Result returns the document of a complete upload's file, and takes it through
// the pipeline if that has not been done. It fails with ErrUnfinished while bytes
// are missing.
func (s *Service) Result(w http.ResponseWriter, r *http.Request, t Transfer) ([]byte, error) {
	ctx := r.Context()
	e, err := s.exchange(w, r, t)
	if err != nil {
		return nil, err
	}
	if e.session.result != nil {
		return e.session.result, nil
	}
	// A look without the lock first: whoever asks too soon interrupts nobody.
	_, info, err := e.stored(ctx)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err == nil && info.Offset < info.Size {
		return nil, ErrUnfinished
	}
	if err := e.Lock(ctx, nil); err != nil {
		return nil, err
	}
	defer e.unlock()
	if _, err := e.GetUpload(ctx, t.Upload); err != nil {
		return nil, err
	}
	return e.session.result, nil
}
