package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"inlet/client"
)

// sendAll sends files, several at once. It stops early when the rest would fail as
// well: the server refuses the link, or does not answer.
func (u *upload) sendAll(ctx context.Context, files []*file) error {
	total := u.bars.total("sending", sizeOf(files), len(files))
	defer total.drop()

	return each(ctx, u.parallel, files, func(ctx context.Context, f *file) error { return u.send(ctx, f, total) })
}

// send sends one file and reports what became of it. An error that it returns
// concerns all files.
func (u *upload) send(ctx context.Context, f *file, total *bar) error {
	t := &transfer{file: f, total: total, bar: u.bars.file(f.path, f.size), sent: &u.report.sent}
	defer t.bar.drop()
	defer total.done()

	result, err := u.transmit(ctx, t)
	switch {
	case err == nil:
		u.report.done(f, result)
		return nil
	case client.CodeOf(err) == client.CodeLinkExhausted:
		return u.exhausted(ctx, f, err)
	case concernsAll(ctx, err):
		return err
	}

	u.report.failed(f, err)
	return nil
}

// transmit sends a file by the way that fits its size. It makes no request for a
// file that has gone or changed.
func (u *upload) transmit(ctx context.Context, t *transfer) (client.Result, error) {
	in, err := t.file.reopen()
	if err != nil {
		return client.Result{}, err
	}
	in.Close()

	f := client.File{Name: t.file.name, Size: t.file.size, SHA256: t.file.sum, Open: t.open}
	if f.Size > u.over && !u.noResume.Load() {
		return u.resumably(ctx, f)
	}
	return u.link.Send(ctx, f)
}

// concernsAll reports whether the next file would fail in the same way.
func concernsAll(ctx context.Context, err error) bool {
	if problem, ok := errors.AsType[*client.ProblemError](err); ok {
		switch problem.Status {
		case http.StatusForbidden, http.StatusGone, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable:
			return true
		}
		return false
	}

	_, network := errors.AsType[*client.NetworkError](err)
	return network || ctx.Err() != nil
}

// exhausted rejects a file for which the link has too little left. A smaller one may
// still fit, unless nothing is left: then it returns cause.
func (u *upload) exhausted(ctx context.Context, f *file, cause error) error {
	state, err := u.link.State(ctx)
	none := func(left *int64) bool { return left != nil && *left == 0 }
	if err != nil || none(state.FilesLeft) || none(state.BytesLeft) {
		return cause
	}

	problem, _ := errors.AsType[*client.ProblemError](cause)
	u.report.done(f, client.Result{Filename: f.name, Status: client.Rejected, Error: problem})
	return nil
}

// resumably sends a large file, from where an earlier run broke off.
func (u *upload) resumably(ctx context.Context, f client.File) (client.Result, error) {
	key := sessionKey(u.link.Address(), f.SHA256)
	if id, found := u.sessions.load(key); found {
		result, err := u.resume(ctx, key, id, f)
		if !errors.Is(err, client.ErrSessionGone) {
			return result, err
		}
	}

	session, err := u.link.Begin(ctx, f)
	if errors.Is(err, client.ErrNotResumable) {
		u.noResume.Store(true)
		return u.link.Send(ctx, f)
	}
	if err != nil {
		return client.Refusal(f, err)
	}

	if err := u.sessions.save(key, session.ID); err != nil {
		u.report.note("an interrupted upload will start again from its beginning: " + err.Error())
	}
	return u.resume(ctx, key, session.ID, f)
}

// resume sends the rest of a file, and forgets the session when it has ended.
func (u *upload) resume(ctx context.Context, key, id string, f client.File) (client.Result, error) {
	result, err := u.link.Session(id).Send(ctx, f)
	if err == nil || errors.Is(err, client.ErrSessionGone) {
		u.sessions.drop(key)
	}
	return result, err
}

// transfer moves the bars while a file is sent.
type transfer struct {
	file       *file
	total, bar *bar
	sent       *atomic.Int64 // bytes of all files
	at         int64         // offset in the file
	begun      bool
}

// open returns the bytes from offset on.
func (t *transfer) open(offset int64) (io.ReadCloser, error) {
	in, err := t.file.reopen()
	if err != nil {
		return nil, err
	}
	if _, err := in.Seek(offset, io.SeekStart); err != nil {
		in.Close()
		return nil, bare(err)
	}

	if t.begun {
		t.total.add(offset - t.at)
	} else {
		t.total.shrink(offset) // an earlier run sent it
	}
	t.bar.add(offset - t.at)
	t.begun, t.at = true, offset
	return &counted{in, t}, nil
}

// counted moves the bars as the file is read.
type counted struct {
	io.ReadCloser
	*transfer
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.at += int64(n)
	c.sent.Add(int64(n))
	c.total.add(int64(n))
	c.bar.add(int64(n))
	return n, err
}
