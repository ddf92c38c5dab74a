package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
)

// The words of the tus protocol that are needed, version 1.0.0.
const (
	tusVersion = "1.0.0"
	patchType  = "application/offset+octet-stream"
	// resultHeader holds the entry of a file whose last byte has arrived.
	resultHeader = "Inlet-Result"
)

// ErrNotResumable is returned by a server that has no resumable uploads.
var ErrNotResumable = errors.New("the server has no resumable uploads")

// errShort is an answer that takes part of what was sent.
var errShort = errors.New("the server took only a part")

// Session is one resumable upload through a link.
type Session struct {
	link *Link
	id   string
}

// ID names the upload among those of its link; Link.Session takes it up again.
func (s *Session) ID() string { return s.id }

// Session takes up an upload that was begun before, perhaps by another process.
func (l *Link) Session(id string) *Session { return &Session{l, id} }

func (s *Session) path() string { return s.link.path() + "/tus/" + url.PathEscape(s.id) }

// Begin begins a resumable upload of a file. A beginning of which the answer was
// lost is left to the server, which sweeps it.
func (l *Link) Begin(ctx context.Context, f File) (*Session, error) {
	res, err := l.do(ctx, call{
		method: http.MethodPost, path: l.path() + "/tus/",
		header: http.Header{
			"Tus-Resumable":   {tusVersion},
			"Upload-Length":   {strconv.FormatInt(f.Size, 10)},
			"Upload-Metadata": {"filename " + base64.StdEncoding.EncodeToString([]byte(f.Name))},
		},
	})
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return nil, ErrNotResumable
	}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	// What the server calls itself may not be how it is reached from here, so the
	// upload goes on below the link's own address.
	at, err := res.Location()
	if err != nil || path.Base(path.Dir(at.Path)) != "tus" {
		return nil, errors.New("the server began an upload without saying where")
	}
	return l.Session(path.Base(at.Path)), nil
}

// ErrSessionGone is returned for a session that the server does not have (any
// more): the file is to be begun anew.
var ErrSessionGone = errors.New("the upload's session has gone")

// Send sends what the server does not have of the file yet, however often the
// connection is cut, as long as each attempt gets further.
func (s *Session) Send(ctx context.Context, f File) (Result, error) {
	last := int64(-1)
	return retry(ctx, s.link.Options, func(p *pace) (Result, error) {
		result, offset, err := s.attempt(ctx, f)
		if offset > last {
			if last >= 0 {
				p.Reset()
			}
			last = offset
		}
		if err == nil {
			return result, nil
		}
		return Result{}, s.judge(err)
	})
}

// attempt asks how far the upload is, and sends the rest.
func (s *Session) attempt(ctx context.Context, f File) (_ Result, offset int64, err error) {
	if offset, err = s.offset(ctx); err != nil {
		return Result{}, -1, err
	}
	if offset >= f.Size {
		result, err := s.result(ctx, f)
		return result, offset, err
	}
	res, err := s.link.send(ctx, call{
		method: http.MethodPatch, path: s.path(),
		header: http.Header{
			"Tus-Resumable": {tusVersion}, "Content-Type": {patchType}, "Upload-Offset": {strconv.FormatInt(offset, 10)},
		},
		body: func() (io.ReadCloser, error) { return f.Open(offset) },
		size: f.Size - offset,
	})
	if err != nil {
		result, err := s.refused(f, err)
		return result, offset, err
	}
	defer res.Body.Close()
	if doc := res.Header.Get(resultHeader); doc != "" {
		var result Result
		err := json.Unmarshal([]byte(doc), &result)
		return result, offset, err
	}
	if now := res.Header.Get("Upload-Offset"); now != strconv.FormatInt(f.Size, 10) {
		return Result{}, offset, &NetworkError{Host: s.link.base.Host, Err: errShort}
	}
	result, err := s.result(ctx, f)
	return result, offset, err
}

// refused tells a file that was refused at its end from a failure on the way.
func (s *Session) refused(f File, err error) (Result, error) {
	var problem *ProblemError
	if errors.As(err, &problem) && len(problem.Results) == 1 {
		return problem.Results[0], nil
	}
	return Refusal(f, err)
}

func (s *Session) offset(ctx context.Context) (int64, error) {
	res, err := s.link.send(ctx, call{
		method: http.MethodHead, path: s.path(), header: http.Header{"Tus-Resumable": {tusVersion}},
	})
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	offset, err := strconv.ParseInt(res.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return 0, errors.New("the server does not say how far the upload is")
	}
	return offset, nil
}

// result fetches the entry of an upload that is complete.
func (s *Session) result(ctx context.Context, f File) (Result, error) {
	res, err := s.link.send(ctx, call{
		method: http.MethodGet, path: s.path() + "/result", header: http.Header{"Accept": {"application/json"}},
	})
	if err != nil {
		return s.refused(f, err)
	}
	defer res.Body.Close()
	var result Result
	return result, decode(res, &result)
}

// judge tells which failures another attempt may overcome. That another request
// still holds the upload, or has moved it on, are among them.
func (s *Session) judge(err error) error {
	switch statusOf(err) {
	case http.StatusConflict, http.StatusLocked:
		return err
	case http.StatusNotFound:
		return final(ErrSessionGone)
	case http.StatusGone:
		if CodeOf(err) == "" || CodeOf(err) == CodeNotFound {
			return final(ErrSessionGone)
		}
	}
	if !passing(err) {
		return final(err)
	}
	return err
}
