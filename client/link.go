package client

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Link sends pictures through an upload link. It is safe for concurrent use.
type Link struct {
	conn
	token string
}

// ErrNoLink is returned for an address that is not an upload link's.
var ErrNoLink = errors.New("this is not an upload link such as https://pictures.example.org/u/eyJhb…")

// NewLink makes a Link from an upload link's address, https://host/u/<token>.
func NewLink(address string, o Options) (*Link, error) {
	c, err := newConn(strings.TrimSpace(address), o)
	if err != nil {
		return nil, ErrNoLink
	}

	before, token := path.Split(strings.TrimRight(c.base.Path, "/"))
	if path.Base(before) != "u" || token == "" {
		return nil, ErrNoLink
	}
	c.base.Path, c.base.RawPath = path.Dir(path.Clean(before)), ""
	c.base.RawQuery, c.base.Fragment = "", ""
	return &Link{c, token}, nil
}

// Address is the upload link in its canonical spelling. It is secret.
func (l *Link) Address() string { return l.base.JoinPath("u", l.token).String() }

func (l *Link) path() string { return "u/" + url.PathEscape(l.token) }

// LinkState is what a link still allows; nil is no limit. Sizes are in bytes.
type LinkState struct {
	FilesLeft    *int64 `json:"files_left"`
	BytesLeft    *int64 `json:"bytes_left"`
	MaxFileBytes int64  `json:"max_file_bytes"`
}

// State returns what the link still allows.
func (l *Link) State(ctx context.Context) (LinkState, error) {
	return ask[LinkState](ctx, &l.conn, call{path: l.path()}, nil)
}

// MaxCheck is how many sums one Check takes.
const MaxCheck = 1000

// Check returns which of at most MaxCheck SHA-256 sums (in hexadecimal) the server
// has, each with its picture's id, or "" where the server does not tell the id.
func (l *Link) Check(ctx context.Context, sums []string) (known map[string]string, err error) {
	type answer struct {
		Known []string          `json:"known"`
		IDs   map[string]string `json:"ids"`
	}
	got, err := ask[answer](ctx, &l.conn, call{method: http.MethodPost, path: l.path() + "/check"},
		map[string]any{"sha256": sums, "ids": true})
	if err != nil {
		return nil, err
	}

	known = make(map[string]string, len(got.Known))
	for _, sum := range got.Known {
		known[sum] = got.IDs[sum]
	}
	return known, nil
}

// The statuses of a Result. The server uses the first three.
const (
	Stored    = "stored"
	Duplicate = "duplicate"
	Rejected  = "rejected"
	// Known is a file that the client does not send, since the server has its bytes.
	Known = "known"
)

// Result is what became of a file.
type Result struct {
	Filename string        `json:"filename"`
	Status   string        `json:"status"`
	ID       string        `json:"id,omitempty"`
	URL      string        `json:"url,omitempty"`
	Match    string        `json:"match,omitempty"` // exact, payload or perceptual
	Distance *int          `json:"distance,omitempty"`
	SHA256   string        `json:"sha256,omitempty"` // in hexadecimal
	Format   string        `json:"format,omitempty"`
	Width    int           `json:"width,omitempty"`  // in pixels
	Height   int           `json:"height,omitempty"` // in pixels
	Bytes    int64         `json:"bytes,omitempty"`
	Error    *ProblemError `json:"error,omitempty"` // why the server rejected the file
}

// File is a file for Link.Send or Session.Send.
type File struct {
	Name   string
	Size   int64 // in bytes
	SHA256 [32]byte
	// Open returns the bytes from offset on. Every attempt calls it.
	Open func(offset int64) (io.ReadCloser, error)
}

// Send sends a file in one request. A refusal of the file is a Result; a failure
// that concerns more than the file is an error.
//
// A failure may leave open whether the file arrived. Send then asks for the file's
// sum first, since a second copy would use up the link's limits twice.
func (l *Link) Send(ctx context.Context, f File) (Result, error) {
	unsure := false

	return retry(ctx, l.Options, func(*pace) (Result, error) {
		if unsure {
			sum := hex.EncodeToString(f.SHA256[:])
			known, err := l.Check(ctx, []string{sum})
			if err != nil {
				return Result{}, final(err) // Check has retried
			}
			if id, found := known[sum]; found {
				return Result{Filename: f.Name, Status: Known, ID: id, SHA256: sum, Bytes: f.Size}, nil
			}
		}

		result, err := l.post(ctx, f)
		unsure = unsure || err != nil && !untaken(err)
		return result, err
	})
}

func (l *Link) post(ctx context.Context, f File) (Result, error) {
	res, err := l.send(ctx, call{
		method: http.MethodPost, path: l.path(), query: url.Values{"filename": {f.Name}},
		header: http.Header{"Content-Type": {"application/octet-stream"}, "Accept": {"application/json"}},
		open:   func() (io.ReadCloser, error) { return f.Open(0) },
		size:   f.Size,
	})
	if err != nil {
		return Refusal(f, err)
	}
	defer res.Body.Close()

	answer, err := decode[struct {
		Results []Result `json:"results"`
	}](res)
	if err != nil {
		return Result{}, unreachable(res.Request, err) // the file arrived, its result did not
	}
	if len(answer.Results) != 1 {
		return Result{}, fmt.Errorf("the server answers with %d results for one file", len(answer.Results))
	}
	return answer.Results[0], nil
}

// Refusal turns a problem of the file's own into a Result, and returns any other
// error as it is.
func Refusal(f File, err error) (Result, error) {
	problem, ok := errors.AsType[*ProblemError](err)
	if !ok || !problem.concernsFile() {
		return Result{}, err
	}

	own := *problem
	own.Results = nil
	return Result{Filename: f.Name, Status: Rejected, Error: &own}, nil
}
