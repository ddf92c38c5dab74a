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

// resultHeader contains a file's Result in the answer to its last byte.
const resultHeader = "Inlet-Result"

var (
	// ErrNotResumable is returned by a server without resumable uploads.
	ErrNotResumable = errors.New("the server has no resumable uploads")
	// ErrSessionGone is returned for a session that the server does not have, or no
	// longer: the upload starts again with Begin.
	ErrSessionGone = errors.New("the server has dropped the unfinished upload")

	errShort = errors.New("the server took only a part of what was sent")
)

// Session is one resumable upload through a link, by the tus protocol 1.0.0.
type Session struct {
	// ID names the session among those of its link, for Link.Session.
	ID   string
	link *Link
}

// Session resumes an upload that Begin began, perhaps in another process.
func (l *Link) Session(id string) *Session { return &Session{id, l} }

// tus is a request of the protocol, below the link's tus address.
func (l *Link) tus(method, id string) call {
	return call{method: method, path: l.path() + "/tus/" + url.PathEscape(id), header: http.Header{"Tus-Resumable": {"1.0.0"}}}
}

// Begin begins a resumable upload of a file. If the answer is lost, the server
// sweeps the empty session.
func (l *Link) Begin(ctx context.Context, f File) (*Session, error) {
	r := l.tus(http.MethodPost, "")
	r.header.Set("Upload-Length", strconv.FormatInt(f.Size, 10))
	r.header.Set("Upload-Metadata", "filename "+base64.StdEncoding.EncodeToString([]byte(f.Name)))

	res, err := l.do(ctx, r)
	if status := problemIn(err).Status; status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
		return nil, ErrNotResumable
	}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()

	// The client takes only the id from Location: behind a proxy the server may
	// know itself by an address that is not reachable from here.
	at, err := res.Location()
	if err != nil || path.Base(path.Dir(at.Path)) != "tus" {
		return nil, errors.New("the server began an upload without saying where")
	}
	return l.Session(path.Base(at.Path)), nil
}

// Send sends what the server does not have yet of the file. The connection may
// break any number of times, as long as each attempt gets further.
func (s *Session) Send(ctx context.Context, f File) (Result, error) {
	last := int64(-1)

	return retry(ctx, s.link.Options, func(p *pace) (Result, error) {
		offset, err := s.offset(ctx)
		if err != nil {
			return Result{}, sessionError(err)
		}
		if last >= 0 && offset > last {
			p.Reset()
		}
		last = max(last, offset)

		result, err := s.rest(ctx, f, offset)
		if results := problemIn(err).Results; len(results) == 1 {
			return results[0], nil
		}
		if err != nil {
			result, err = Refusal(f, err)
		}
		return result, sessionError(err)
	})
}

// sessionError turns the answers for an unknown session into ErrSessionGone.
func sessionError(err error) error {
	problem := problemIn(err)
	gone := problem.Status == http.StatusGone && (problem.Code == "" || problem.Code == CodeNotFound)
	if gone || problem.Status == http.StatusNotFound {
		return ErrSessionGone
	}
	return err
}

// offset asks how many bytes the server has.
func (s *Session) offset(ctx context.Context) (int64, error) {
	res, err := s.link.send(ctx, s.link.tus(http.MethodHead, s.ID))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()

	offset, err := strconv.ParseInt(res.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return 0, errors.New("the server does not tell how much of the file it has")
	}
	return offset, nil
}

// rest sends the bytes from offset on and returns the file's result.
func (s *Session) rest(ctx context.Context, f File, offset int64) (Result, error) {
	if offset >= f.Size {
		return s.result(ctx)
	}

	r := s.link.tus(http.MethodPatch, s.ID)
	r.header.Set("Content-Type", "application/offset+octet-stream")
	r.header.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	r.open = func() (io.ReadCloser, error) { return f.Open(offset) }
	r.size = f.Size - offset

	res, err := s.link.send(ctx, r)
	if err != nil {
		return Result{}, err
	}
	defer res.Body.Close()

	if doc := res.Header.Get(resultHeader); doc != "" {
		var result Result
		err := json.Unmarshal([]byte(doc), &result)
		return result, err
	}
	if res.Header.Get("Upload-Offset") != strconv.FormatInt(f.Size, 10) {
		return Result{}, &NetworkError{Host: s.link.base.Host, Err: errShort}
	}
	return s.result(ctx)
}

// result fetches the result of a complete upload.
func (s *Session) result(ctx context.Context) (Result, error) {
	r := s.link.tus(http.MethodGet, s.ID)
	r.path += "/result"
	r.header.Set("Accept", "application/json")

	res, err := s.link.send(ctx, r)
	if err != nil {
		return Result{}, err
	}

	defer res.Body.Close()
	return decode[Result](res)
}
