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
	"time"
)

// Link is whoever has a link. It is safe for concurrent use.
type Link struct {
	conn
	token string
}

// NewLink makes a Link of a link's address, https://host/u/<token>.
func NewLink(address string, o Options) (*Link, error) {
	c, err := newConn(strings.TrimSpace(address), o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLink, err)
	}
	before, token := path.Split(strings.TrimRight(c.base.Path, "/"))
	if path.Base(before) != "u" || token == "" {
		return nil, ErrNoLink
	}
	c.base.RawQuery, c.base.Fragment = "", ""
	c.base.Path = path.Dir(path.Clean(before))
	c.base.RawPath = ""
	return &Link{c, token}, nil
}

// ErrNoLink is returned for an address that is not of a link.
var ErrNoLink = errors.New("this is no upload link (https://host/u/…)")

// Address is the link itself, in its one spelling. It is secret.
func (l *Link) Address() string { return l.base.JoinPath("u", l.token).String() }

func (l *Link) path() string { return "u/" + url.PathEscape(l.token) }

// LinkState is what a link still allows; nil is without limit.
type LinkState struct {
	ID           string    `json:"id"`
	Label        *string   `json:"label"`
	ExpiresAt    time.Time `json:"expires_at"`
	MaxFiles     *int64    `json:"max_files"`
	MaxBytes     *int64    `json:"max_bytes"`
	FilesLeft    *int64    `json:"files_left"`
	BytesLeft    *int64    `json:"bytes_left"`
	MaxFileBytes int64     `json:"max_file_bytes"`
	Formats      []string  `json:"formats"`
}

// State returns what the link still allows.
func (l *Link) State(ctx context.Context) (LinkState, error) {
	var state LinkState
	err := l.ask(ctx, call{method: http.MethodGet, path: l.path()}, nil, &state)
	return state, err
}

// MaxCheck is how many sums one Check takes.
const MaxCheck = 1000

// Check tells which of these SHA-256 sums (in hexadecimal, at most MaxCheck) are
// of files that need not be sent, and the ids of their pictures.
func (l *Link) Check(ctx context.Context, sums []string) (known map[string]string, err error) {
	var answer struct {
		Known []string          `json:"known"`
		IDs   map[string]string `json:"ids"`
	}
	asked := map[string]any{"sha256": sums, "ids": true}
	if err := l.ask(ctx, call{method: http.MethodPost, path: l.path() + "/check"}, asked, &answer); err != nil {
		return nil, err
	}
	known = make(map[string]string, len(answer.Known))
	for _, sum := range answer.Known {
		known[sum] = answer.IDs[sum]
	}
	return known, nil
}

// What became of a file. The first three are the server's own words.
const (
	Stored    = "stored"
	Duplicate = "duplicate"
	Rejected  = "rejected"
	// Known is a file that was not sent, since the server has its bytes.
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
	SHA256   string        `json:"sha256,omitempty"`
	Format   string        `json:"format,omitempty"`
	Width    int           `json:"width,omitempty"`
	Height   int           `json:"height,omitempty"`
	Bytes    int64         `json:"bytes,omitempty"`
	Error    *ProblemError `json:"error,omitempty"` // of a rejected one
}

// File is what Send and Resume send.
type File struct {
	Name   string
	Size   int64
	SHA256 [32]byte
	// Open gives the bytes from offset on. It is called for every attempt.
	Open func(offset int64) (io.ReadCloser, error)
}

// known is the result of a file that need not be sent, since a picture has its
// bytes already.
func (f File) known(id string) Result {
	return Result{Filename: f.Name, Status: Known, ID: id, SHA256: hex.EncodeToString(f.SHA256[:]), Bytes: f.Size}
}

// Send sends a file in one request. That a file was refused is a Result; a
// failure that concerns more than the file is an error.
//
// After a failure that leaves open whether the file has arrived, the server is
// asked for its sum before it is sent again, since it would use up the link's
// limits twice.
func (l *Link) Send(ctx context.Context, f File) (Result, error) {
	unsure := false
	return retry(ctx, l.Options, func(*pace) (Result, error) {
		if unsure {
			sum := hex.EncodeToString(f.SHA256[:])
			known, err := l.Check(ctx, []string{sum})
			if err != nil {
				return Result{}, final(err)
			}
			if id, is := known[sum]; is {
				return f.known(id), nil
			}
		}
		result, err := l.post(ctx, f)
		if err != nil && !passing(err) {
			return Result{}, final(err)
		}
		unsure = unsure || err != nil && !untaken(err)
		return result, err
	})
}

func (l *Link) post(ctx context.Context, f File) (Result, error) {
	res, err := l.send(ctx, call{
		method: http.MethodPost, path: l.path(), query: url.Values{"filename": {f.Name}},
		header: http.Header{"Content-Type": {"application/octet-stream"}, "Accept": {"application/json"}},
		body:   func() (io.ReadCloser, error) { return f.Open(0) },
		size:   f.Size,
	})
	if err != nil {
		return Refusal(f, err)
	}
	defer res.Body.Close()
	var answer struct {
		Results []Result `json:"results"`
	}
	if err := decode(res, &answer); err != nil {
		return Result{}, unreachable(res.Request, err) // accepted, but not heard out
	}
	if len(answer.Results) != 1 {
		return Result{}, fmt.Errorf("%d results for one file", len(answer.Results))
	}
	return answer.Results[0], nil
}

// Refusal makes a Result of a problem that is the file's own, and returns any other
// error as it is.
func Refusal(f File, err error) (Result, error) {
	var problem *ProblemError
	if !errors.As(err, &problem) {
		return Result{}, err
	}
	switch problem.Code {
	case CodeTooLarge, CodeUnsupportedFormat, CodeUndecodable, CodeTooManyPixels:
	case "":
		if problem.Status != http.StatusRequestEntityTooLarge { // a proxy has limits too
			return Result{}, err
		}
	default:
		return Result{}, err
	}
	own := *problem
	own.Results = nil
	return Result{Filename: f.Name, Status: Rejected, Error: &own}, nil
}
