package resume

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/problem"
	"inlet/upload"
)

// Result returns the outcome of a complete upload's file, and sends the file
// through the pipeline if that is still to be done. It fails with ErrUnfinished
// while bytes are missing.
func (s *Service) Result(w http.ResponseWriter, r *http.Request, t Transfer) (upload.Result, error) {
	if t.Upload == "" {
		return upload.Result{}, ErrNotFound
	}

	e, err := s.exchange(w, r, t)
	if err == nil && e.session.Result == nil {
		defer e.unlock()
		err = e.conclude(r.Context())
	}
	if err != nil {
		return upload.Result{}, err
	}

	return e.session.Result.outcome(), nil
}

// conclude gets the session its result. It looks without the lease first: who asks
// too soon interrupts nobody. Bytes that are gone went because the result came.
func (e *exchange) conclude(ctx context.Context) error {
	err := e.load(ctx)
	if err == nil {
		_, err = e.complete(ctx)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}

	if err := e.open(ctx); err != nil {
		return err
	}

	return e.finish(ctx)
}

// complete fails with ErrUnfinished while bytes are missing.
func (e *exchange) complete(ctx context.Context) (handler.FileInfo, error) {
	info, err := e.GetInfo(ctx)
	if err == nil && info.Offset < info.Size {
		err = ErrUnfinished
	}
	return info, err
}

// finish sends an upload whose bytes are all there through the pipeline, under the
// lease. It outlives the request: a client that leaves finds the result later.
func (e *exchange) finish(ctx context.Context) error {
	if e.session.Result != nil {
		return nil
	}
	info, err := e.complete(ctx)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := e.lock(ctx); err != nil || e.session.Result != nil { // of a new session without bytes
		return err
	}

	// The connection's deadlines count from the last byte.
	end := time.Now().Add(finishTime + e.Pause)
	_, _ = e.conn.SetReadDeadline(end), e.conn.SetWriteDeadline(end)
	body, err := e.stored.GetReader(ctx)
	if err != nil {
		return failed("read an upload", err)
	}
	defer body.Close()

	e.session.Result, err = e.accept(ctx, filename(info.MetaData), body)
	if err == nil {
		e.discard(*e.session)
	}

	return err
}

// accept sends a file through the pipeline and records its result: that of an
// accepted file in the transaction that accepts it, that of a refused one before
// the refusal is counted. A failure that settles nothing records nothing.
func (e *exchange) accept(ctx context.Context, name string, body io.Reader) (recorded *Result, err error) {
	expires := e.Now().Add(resultLife).UTC()
	from := e.Sender
	from.Record = func(b *pgx.Batch, r upload.Result) {
		recorded = resultOf(r)
		queueResult(b, e.session.ID, e.lease.holder, recorded, expires)
	}

	outcome := e.Uploads.Accept(ctx, from, name, body)
	switch {
	case outcome.Err == nil:
		return recorded, nil
	case errors.Is(outcome.Err, upload.ErrIntake): // the bytes come from our own Store
		return nil, problem.StoreFailed(outcome.Err)
	case !outcome.Settled():
		return nil, outcome.Err
	}

	recorded = resultOf(outcome)
	if err := e.sessions.record(ctx, e.session.ID, e.lease.holder, recorded, expires); err != nil {
		return nil, err
	}
	e.countRefused(ctx, outcome)

	return recorded, nil
}

// countRefused counts a refused file in the statistics. A crash before it loses one
// count.
func (e *exchange) countRefused(ctx context.Context, refused upload.Result) {
	if err := e.Uploads.Refused(context.WithoutCancel(ctx), []upload.Result{refused}); err != nil {
		e.log.Warn("a refused file was not counted", "error", err)
	}
}

// filename is the name that the client gave the file. Clients use both keys.
func filename(meta handler.MetaData) string { return cmp.Or(meta["filename"], meta["name"]) }
