package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"inlet/client"
)

// sendAll sends files, some at once. It ends early when the rest would fail as
// well: the link is refused, or the server is away.
func (u *upload) sendAll(ctx context.Context, files []*file) error {
	bytes := int64(0)
	for _, f := range files {
		bytes += f.size
	}
	u.report.plan(files)
	total := u.bars.total("sending", bytes, len(files))
	defer total.drop()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(u.parallel)
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return u.send(ctx, f, total)
		})
	}
	return g.Wait()
}

// send sends one file and reports what became of it. The error it returns
// concerns all files.
func (u *upload) send(ctx context.Context, f *file, total *bar) error {
	var result client.Result
	t := &transfer{file: f, total: total, bar: u.bars.file(f.path, f.size), sent: &u.report.sent}
	defer t.bar.drop()
	defer total.count(1)
	err := t.check()
	if err == nil {
		sending := client.File{Name: f.name, Size: f.size, SHA256: f.sum, Open: t.open}
		if f.size > u.over && !u.noResume.Load() {
			result, err = u.resumably(ctx, sending)
		} else {
			result, err = u.link.Send(ctx, sending)
		}
	}
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

// concernsAll tells failures that the next file would meet as well.
func concernsAll(ctx context.Context, err error) bool {
	var problem *client.ProblemError
	if errors.As(err, &problem) {
		switch problem.Status {
		case http.StatusForbidden, http.StatusGone, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable:
			return true
		}
		return false
	}
	var network *client.NetworkError
	return ctx.Err() != nil || errors.As(err, &network)
}

// exhausted reports a file for which the link has no room; a smaller one may
// still find some.
func (u *upload) exhausted(ctx context.Context, f *file, cause error) error {
	state, err := u.link.State(ctx)
	none := func(left *int64) bool { return left != nil && *left == 0 }
	if err != nil || none(state.FilesLeft) || none(state.BytesLeft) {
		return cause
	}
	result := client.Result{Filename: f.name, Status: client.Rejected}
	errors.As(cause, &result.Error)
	u.report.done(f, result)
	return nil
}

// resumably sends a large file, from where an earlier run was cut off.
func (u *upload) resumably(ctx context.Context, f client.File) (client.Result, error) {
	key := sessionKey(u.link.Address(), f.SHA256)
	if id, found := u.sessions.load(key); found {
		result, err := u.goOn(ctx, key, id, f)
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
	if err := u.sessions.save(key, session.ID()); err != nil {
		u.report.note("an interrupted upload will begin anew: " + err.Error())
	}
	return u.goOn(ctx, key, session.ID(), f)
}

// goOn sends the rest of a file, and forgets the session when it has ended.
func (u *upload) goOn(ctx context.Context, key, id string, f client.File) (client.Result, error) {
	result, err := u.link.Session(id).Send(ctx, f)
	if err == nil || errors.Is(err, client.ErrSessionGone) {
		u.sessions.drop(key)
	}
	return result, err
}

// transfer is the sending of a file, as the bars show it.
type transfer struct {
	file       *file
	total, bar *bar
	sent       *atomic.Int64 // of all files
	at         int64         // how far the file is
	begun      bool
}

// check finds a file that has gone or changed before a request is made of it.
func (t *transfer) check() error {
	in, err := t.file.fresh()
	if err != nil {
		return err
	}
	return in.Close()
}

// open gives the bytes from offset on.
func (t *transfer) open(offset int64) (io.ReadCloser, error) {
	in, err := t.file.fresh()
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
		t.total.shrink(offset) // an earlier run has sent it
	}
	t.begun, t.at = true, offset
	t.bar.set(offset)
	return &counted{in, t}, nil
}

// counted moves the bars as the file is read.
type counted struct {
	io.ReadCloser
	t *transfer
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.t.at += int64(n)
	c.t.sent.Add(int64(n))
	c.t.total.add(int64(n))
	c.t.bar.set(c.t.at)
	return n, err
}
