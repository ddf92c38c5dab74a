// Package client calls an Inlet server over HTTP: Operator with the operator's
// token, Link with an upload link.
//
// It promises that every call ends when its context ends; that a connection on
// which nothing moves for two minutes fails; and that a passing failure (of the
// network, 429, 502, 503, 504) is retried with growing pauses, or after the pause
// that the server asks for, but never where a repeat could take effect twice.
// A server's refusal is a *ProblemError. No error contains a link's token.
//
// The package knows the HTTP contract alone and imports no other package of Inlet.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options configure an Operator or a Link. The zero value is good.
type Options struct {
	// HTTP sends the requests; nil: a client that reuses connections and bounds
	// silence, but not the whole request.
	HTTP *http.Client
	// Tries is how often in a row a request may fail; 0: 6, about 15 seconds.
	Tries int
	// Retrying hears of every failure that is retried, and of the pause until
	// then. Several goroutines may call it at once.
	Retrying func(err error, pause time.Duration)
}

// idleTime bounds the silence within a request. A server answers long before.
const idleTime = 2 * time.Minute

// newHTTP sets no total deadline, since a large file may take hours on a slow line.
func newHTTP() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}

	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dialer.DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return watched{conn}, nil
			},
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 32,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true, // an ETag is of the uncompressed bytes
		},
		CheckRedirect: followReads,
	}
}

// followReads follows redirects of GET and HEAD only: a POST would arrive as a GET.
func followReads(_ *http.Request, via []*http.Request) error {
	if first := via[0].Method; first != http.MethodGet && first != http.MethodHead {
		return http.ErrUseLastResponse
	}
	if len(via) >= 5 {
		return errors.New("the server redirects too often")
	}
	return nil
}

// watched is a connection that fails when nothing moves in either direction.
type watched struct{ net.Conn }

func (c watched) Read(p []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(idleTime)) // Read reports a closed connection
	return c.Conn.Read(p)
}

func (c watched) Write(p []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(idleTime))
	return c.Conn.Write(p)
}

// conn is what Operator and Link have in common.
type conn struct {
	Options
	base   *url.URL
	bearer string // the operator's token; empty for a Link
}

func newConn(address string, o Options) (conn, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return conn{}, errors.New("want an address such as https://pictures.example.org")
	}

	if o.HTTP == nil {
		o.HTTP = newHTTP()
	}
	if o.Tries <= 0 {
		o.Tries = 6
	}
	return conn{Options: o, base: base}, nil
}

// call is a request that may be sent several times.
type call struct {
	method string // "": GET
	path   string // below the base, escaped
	query  url.Values
	header http.Header
	open   func() (io.ReadCloser, error) // opens the body for an attempt; nil: no body
	size   int64                         // of the body
}

// do retries r, which may arrive more than once, until the server accepts it. The
// caller closes the answer's body.
func (c *conn) do(ctx context.Context, r call) (*http.Response, error) {
	return retry(ctx, c.Options, func(*pace) (*http.Response, error) { return c.send(ctx, r) })
}

// send makes one attempt. An answer other than a success is an error.
func (c *conn) send(ctx context.Context, r call) (*http.Response, error) {
	address := c.base.JoinPath(r.path)
	address.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, address.String(), nil)
	if err != nil {
		return nil, errors.New("the address is malformed") // err quotes the address
	}

	for name, values := range r.header {
		req.Header[name] = values
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if r.open != nil {
		if req.Body, err = r.open(); err != nil {
			return nil, err
		}
		req.ContentLength = r.size
	}

	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, unreachable(req, err)
	}
	if res.StatusCode >= http.StatusOK && res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}

	defer res.Body.Close()
	return nil, problemOf(res)
}

// ask sends r with in as its JSON body, nil for none, and decodes the answer.
func ask[T any](ctx context.Context, c *conn, r call, in any) (out T, err error) {
	r.header = http.Header{"Accept": {"application/json"}}
	if in != nil {
		doc, err := json.Marshal(in)
		if err != nil {
			return out, err
		}

		r.header.Set("Content-Type", "application/json")
		r.open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(doc)), nil }
		r.size = int64(len(doc))
	}

	res, err := c.do(ctx, r)
	if err != nil {
		return out, err
	}

	defer res.Body.Close()
	return decode[T](res)
}

// maxAnswer bounds a JSON document of the server, in bytes.
const maxAnswer = 32 << 20

func decode[T any](res *http.Response) (out T, err error) {
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return out, fmt.Errorf("%s answers with %q: is it an Inlet server?", res.Request.URL.Host, kind)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&out); err != nil {
		return out, fmt.Errorf("cannot read the answer of %s: %w", res.Request.URL.Host, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // the connection is reused after EOF only
	return out, nil
}
