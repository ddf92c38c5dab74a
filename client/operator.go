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

// Operator is whoever has the operator's token. It is safe for concurrent use.
type Operator struct{ conn }

// NewOperator makes an Operator of the server at origin, such as
// http://127.0.0.1:8080. An empty token is enough for pictures that are public.
func NewOperator(origin, token string, o Options) (*Operator, error) {
	c, err := newConn(origin, o)
	if err != nil {
		return nil, err
	}
	c.bearer = token
	return &Operator{c}, nil
}

// LinkSpec is what a link shall be. Exactly one of ExpiresIn and ExpiresAt is
// set; what is zero is not limited.
type LinkSpec struct {
	ExpiresIn string     `json:"expires_in,omitempty"` // a Go duration, or days: "90m", "7d"
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	NotBefore *time.Time `json:"not_before,omitempty"`
	MaxFiles  int64      `json:"max_files,omitempty"`
	MaxBytes  int64      `json:"max_bytes,omitempty"`
	Label     string     `json:"label,omitempty"` // at most 200 characters
}

// CreatedLink is a link as its maker gets it. URL and Token are secret.
type CreatedLink struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	Label     *string   `json:"label"`
	MaxFiles  *int64    `json:"max_files"`
	MaxBytes  *int64    `json:"max_bytes"`
}

// CreateLink makes a link. It is tried again freely: a link of which nobody was
// told is kept nowhere.
func (o *Operator) CreateLink(ctx context.Context, spec LinkSpec) (CreatedLink, error) {
	var made CreatedLink
	err := o.ask(ctx, call{method: http.MethodPost, path: "v1/links"}, spec, &made)
	return made, err
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

// Links lists the links that have been used or revoked, newest use first. It
// ends after the first error.
func (o *Operator) Links(ctx context.Context) iter.Seq2[UsedLink, error] {
	return func(yield func(UsedLink, error) bool) {
		query := url.Values{"limit": {"500"}}
		for {
			var page struct {
				Links []UsedLink `json:"links"`
				Next  *string    `json:"next"`
			}
			err := o.ask(ctx, call{method: http.MethodGet, path: "v1/links", query: query}, nil, &page)
			if err != nil {
				yield(UsedLink{}, err)
				return
			}
			for _, link := range page.Links {
				if !yield(link, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Set("cursor", *page.Next)
		}
	}
}

// RevokeLink has a link refused from now on; an unknown id is no error. With
// erase the pictures that came through it alone are erased.
func (o *Operator) RevokeLink(ctx context.Context, id string, erase bool) error {
	query := url.Values{}
	if erase {
		query.Set("images", "erase")
	}
	return o.ask(ctx, call{method: http.MethodDelete, path: "v1/links/" + url.PathEscape(id), query: query}, nil, nil)
}

// Picture is the bytes of a picture as they arrive. The caller closes it.
type Picture struct {
	io.ReadCloser
	ContentType string
	Size        int64  // -1: not known
	ETag        string // without quotes; of the stored bytes, their SHA-256 in hexadecimal
}

// Picture fetches a picture's stored bytes, or with a width of 160, 320, 640 or
// 1280 pixels a small JPEG of it.
func (o *Operator) Picture(ctx context.Context, id string, width int) (*Picture, error) {
	query := url.Values{}
	if width != 0 {
		query.Set("width", strconv.Itoa(width))
	}
	res, err := o.do(ctx, call{ //nolint:bodyclose // it is the Picture, which the caller closes
		method: http.MethodGet, path: "v1/images/" + url.PathEscape(id), query: query,
	})
	if err != nil {
		return nil, err
	}
	etag := res.Header.Get("ETag")
	if unquoted, err := strconv.Unquote(etag); err == nil {
		etag = unquoted
	}
	return &Picture{res.Body, res.Header.Get("Content-Type"), res.ContentLength, etag}, nil
}

// Metadata returns a picture's document, all tags included.
func (o *Operator) Metadata(ctx context.Context, id string) (json.RawMessage, error) {
	var doc json.RawMessage
	err := o.ask(ctx, call{method: http.MethodGet, path: "v1/images/" + url.PathEscape(id) + "/metadata"}, nil, &doc)
	return doc, err
}

// Export streams all pictures that match the filters (those of GET /v1/images)
// in the form of a media type: text/csv, application/x-ndjson or
// application/zip. A stream that breaks off ends with an error, not with io.EOF.
func (o *Operator) Export(ctx context.Context, mediaType string, filters url.Values) (io.ReadCloser, error) {
	res, err := o.do(ctx, call{
		method: http.MethodGet, path: "v1/images", query: filters, header: http.Header{"Accept": {mediaType}},
	})
	if err != nil {
		return nil, err
	}
	if got, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); got != mediaType {
		res.Body.Close()
		return nil, fmt.Errorf("%w: %q instead of %s", ErrForm, got, mediaType)
	}
	return res.Body, nil
}

// ErrForm is returned when a server does not have the form that was asked for.
var ErrForm = errors.New("the server answers in another form")

// Stats returns the counters.
func (o *Operator) Stats(ctx context.Context) (Stats, error) {
	var doc Stats
	err := o.ask(ctx, call{method: http.MethodGet, path: "v1/stats"}, nil, &doc)
	return doc, err
}

// errEnded is the end of a live feed, which has none by itself.
var errEnded = errors.New("the feed ended")

// WatchStats yields the counters as they change, until ctx ends; a feed that
// breaks off is begun again. It ends after the first error.
func (o *Operator) WatchStats(ctx context.Context) iter.Seq2[Stats, error] {
	return func(yield func(Stats, error) bool) {
		stopped := false
		_, err := retry(ctx, o.Options, func(p *pace) (struct{}, error) {
			err := o.follow(ctx, func(doc Stats) bool {
				p.Reset()
				stopped = !yield(doc, nil)
				return !stopped
			})
			if !stopped && err != nil && !passing(err) {
				err = final(err)
			}
			return struct{}{}, err
		})
		if err != nil && !stopped {
			yield(Stats{}, err)
		}
	}
}

// maxEvent bounds a line of a live feed.
const maxEvent = 1 << 20

// follow reads one feed, until each returns false.
func (o *Operator) follow(ctx context.Context, each func(Stats) bool) error {
	res, err := o.send(ctx, call{method: http.MethodGet, path: "v1/stats/live"})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEvent)
	event := ""
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			event = string(value)
		case "data": // the service writes one line an event
			var doc Stats
			if event != "stats" || json.Unmarshal(value, &doc) != nil {
				continue
			}
			if !each(doc) {
				return nil
			}
		}
	}
	err = lines.Err()
	if err == nil {
		err = errEnded
	}
	return unreachable(res.Request, err)
}
