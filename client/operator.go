package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Operator administers a server with the operator's token. It is safe for
// concurrent use.
type Operator struct{ conn }

// NewOperator makes an Operator of the server at origin, such as
// http://127.0.0.1:8080. Public pictures need no token.
func NewOperator(origin, token string, o Options) (*Operator, error) {
	c, err := newConn(origin, o)
	if err != nil {
		return nil, err
	}
	c.bearer = token
	return &Operator{c}, nil
}

// LinkSpec describes a new link. Exactly one of ExpiresIn and ExpiresAt is set;
// a zero limit is none.
type LinkSpec struct {
	ExpiresIn string     `json:"expires_in,omitempty"` // a Go duration, or days: "90m", "7d"
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	NotBefore *time.Time `json:"not_before,omitempty"`
	MaxFiles  int64      `json:"max_files,omitempty"`
	MaxBytes  int64      `json:"max_bytes,omitempty"`
	Label     string     `json:"label,omitempty"` // at most 200 characters
}

// CreatedLink is a new link. URL and Token are secret.
type CreatedLink struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	Label     *string   `json:"label"`
	MaxFiles  *int64    `json:"max_files"`
	MaxBytes  *int64    `json:"max_bytes"`
}

// CreateLink creates a link. A retry may create a second one, which does no harm:
// the server never told its address to anyone.
func (o *Operator) CreateLink(ctx context.Context, spec LinkSpec) (CreatedLink, error) {
	return ask[CreatedLink](ctx, &o.conn, call{method: http.MethodPost, path: "v1/links"}, spec)
}

// UsedLink is a link that has been used or revoked.
type UsedLink struct {
	ID          string     `json:"id"`
	Label       *string    `json:"label"`
	FirstUsedAt *time.Time `json:"first_used_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	Files       int64      `json:"files"`
	Bytes       int64      `json:"bytes"`
	Revoked     bool       `json:"revoked"`
}

// Links yields the links that have been used or revoked, newest use first. It
// ends after the first error.
func (o *Operator) Links(ctx context.Context) iter.Seq2[UsedLink, error] {
	type page struct {
		Links []UsedLink `json:"links"`
		Next  *string    `json:"next"`
	}

	return func(yield func(UsedLink, error) bool) {
		query := url.Values{"limit": {"500"}}
		for {
			got, err := ask[page](ctx, &o.conn, call{path: "v1/links", query: query}, nil)
			if err != nil {
				yield(UsedLink{}, err)
				return
			}

			for _, used := range got.Links {
				if !yield(used, nil) {
					return
				}
			}
			if got.Next == nil {
				return
			}
			query.Set("cursor", *got.Next)
		}
	}
}

// RevokeLink makes the server refuse a link; an unknown id is no error. With erase
// the server also erases the pictures that came through this link alone. It records
// nothing for a link that only asked about a file and got it as known.
func (o *Operator) RevokeLink(ctx context.Context, id string, erase bool) error {
	query := url.Values{}
	if erase {
		query.Set("images", "erase")
	}

	res, err := o.do(ctx, call{method: http.MethodDelete, path: "v1/links/" + url.PathEscape(id), query: query})
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// Picture is a picture's bytes as they arrive. The caller closes it.
type Picture struct {
	io.ReadCloser
	Size int64  // in bytes; -1: not known
	ETag string // without quotes; for stored bytes, their SHA-256 in hexadecimal
}

// Picture fetches a picture's stored bytes, or with a width of 160, 320, 640 or
// 1280 pixels a small JPEG of it.
func (o *Operator) Picture(ctx context.Context, id string, width int) (*Picture, error) {
	query := url.Values{}
	if width != 0 {
		query.Set("width", strconv.Itoa(width))
	}
	res, err := o.do(ctx, call{path: "v1/images/" + url.PathEscape(id), query: query}) //nolint:bodyclose // Picture.Close does
	if err != nil {
		return nil, err
	}

	etag := res.Header.Get("ETag")
	if unquoted, err := strconv.Unquote(etag); err == nil {
		etag = unquoted
	}
	return &Picture{res.Body, res.ContentLength, etag}, nil
}

// Metadata returns a picture's document, all tags included.
func (o *Operator) Metadata(ctx context.Context, id string) (json.RawMessage, error) {
	return ask[json.RawMessage](ctx, &o.conn, call{path: "v1/images/" + url.PathEscape(id) + "/metadata"}, nil)
}

// ErrForm is returned when a server cannot export in the wanted media type.
var ErrForm = errors.New("the server answers in another form")

// Export streams all pictures that match the filters of GET /v1/images, as
// text/csv, application/x-ndjson or application/zip. A stream that breaks off ends
// with an error, not with io.EOF.
func (o *Operator) Export(ctx context.Context, mediaType string, filters url.Values) (io.ReadCloser, error) {
	res, err := o.do(ctx, call{path: "v1/images", query: filters, header: http.Header{"Accept": {mediaType}}})
	if err != nil {
		return nil, err
	}

	if got, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); got != mediaType {
		res.Body.Close()
		return nil, fmt.Errorf("%w: %q instead of %s", ErrForm, got, mediaType)
	}
	return res.Body, nil
}

// Stats is the document of the counters. Sizes are in bytes.
type Stats struct {
	AsOf              time.Time `json:"as_of"`
	MostPopularFormat *string   `json:"most_popular_format"` // nil while there are no pictures
	Formats           []struct {
		Format string `json:"format"`
		Images int64  `json:"images"`
	} `json:"formats"`
	Cameras []struct {
		Model  string `json:"model"`
		Images int64  `json:"images"`
	} `json:"cameras"`
	Images struct {
		Stored int64 `json:"stored"`
		Bytes  int64 `json:"bytes"`
	} `json:"images"`
	Uploads struct {
		Accepted   int64 `json:"accepted"`
		Stored     int64 `json:"stored"`
		Duplicates int64 `json:"duplicates"`
		Rejected   int64 `json:"rejected"`
	} `json:"uploads"`
	Recent Recent `json:"recent"`
	Days   []Day  `json:"uploads_per_day"` // the last 30, today last
}

// Recent counts what arrived in the last minutes and hours, oldest first.
type Recent struct {
	Minutes []Span      `json:"minutes"` // the last 120, the current one last
	Hours   []Span      `json:"hours"`   // the last 168, the current one last
	Links   RecentLinks `json:"links"`
}

// Span is one minute or hour.
type Span struct {
	At         time.Time        `json:"at"` // its beginning
	Accepted   int64            `json:"accepted"`
	Stored     int64            `json:"stored"`
	Duplicates int64            `json:"duplicates"`
	Rejected   int64            `json:"rejected"`
	Formats    map[string]int64 `json:"formats,omitempty"` // stored pictures by format
	Flags      map[string]int64 `json:"flags,omitempty"`   // stored pictures by quality flag
}

// RecentLinks are the links through which most files came, at most ten each, most
// first.
type RecentLinks struct {
	Minutes []BusyLink `json:"minutes"`
	Hours   []BusyLink `json:"hours"`
}

// BusyLink counts the accepted files of a link.
type BusyLink struct {
	LinkID string `json:"link_id"`
	Files  int64  `json:"files"`
}

// Day is one UTC day. Uploaders is an estimate.
type Day struct {
	Date       string `json:"date"`
	Accepted   int64  `json:"accepted"`
	Stored     int64  `json:"stored"`
	Duplicates int64  `json:"duplicates"`
	Bytes      int64  `json:"bytes"`
	Uploaders  int64  `json:"uploaders"`
}

// Stats returns the counters.
func (o *Operator) Stats(ctx context.Context) (Stats, error) {
	return ask[Stats](ctx, &o.conn, call{path: "v1/stats"}, nil)
}

// WatchStats yields the counters as they change, until ctx ends, and reconnects
// when the feed breaks off. It ends after the first error.
func (o *Operator) WatchStats(ctx context.Context) iter.Seq2[Stats, error] {
	return func(yield func(Stats, error) bool) {
		_, err := retry(ctx, o.Options, func(p *pace) (struct{}, error) {
			return struct{}{}, o.follow(ctx, func(doc Stats) bool {
				p.Reset()
				return yield(doc, nil)
			})
		})
		if err != nil {
			yield(Stats{}, err)
		}
	}
}

var errEnded = errors.New("the feed ended")

// follow reads one feed of server-sent events. It returns nil once each returns
// false, and no sooner.
func (o *Operator) follow(ctx context.Context, each func(Stats) bool) error {
	res, err := o.send(ctx, call{path: "v1/stats/live"})
	if err != nil {
		return err
	}
	defer res.Body.Close()

	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	event := ""
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			event = string(value)
		case "data": // one line holds a whole event
			var doc Stats
			if event == "stats" && json.Unmarshal(value, &doc) == nil && !each(doc) {
				return nil
			}
		}
	}

	if err = lines.Err(); err == nil {
		err = errEnded
	}
	return unreachable(res.Request, err)
}
