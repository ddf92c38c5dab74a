// Package client owns talking to an Inlet server: Operator is for whoever has
// the operator's token, Link for whoever has a link.
//
// It promises that every call ends when its context does; that a connection on
// which nothing moves is given up; and that a failure which passes by itself
// (the network, 429, 503) is tried again with growing pauses, or the one that
// the server asks for, but never where that could do something twice. What the
// server says of a failure comes back as a *ProblemError. No error has a link's
// token in it.
//
// It knows the service by its HTTP contract alone, and imports nothing of it.
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

// Options of an Operator or a Link. The zero value is good.
type Options struct {
	// HTTP sends the requests; nil: NewHTTP().
	HTTP *http.Client
	// Tries is how often in a row a request may fail before its failure is
	// returned; 0: 6, which takes about 15 seconds.
	Tries int
	// Retrying is told of every failure that is tried again, and of the pause
	// until then. It may be called by several goroutines at once.
	Retrying func(err error, pause time.Duration)
}

// idleTime is how long a connection may stand still in the middle of a request.
// A server has answered long before.
const idleTime = 2 * time.Minute

// NewHTTP makes a client for any number of parallel requests that keeps its
// connections. It has no total deadline, since a large file over a slow line is
// legitimate; connecting has one, and so has silence.
func NewHTTP() *http.Client {
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
			DisableCompression:  true, // an ETag is of the bytes as they are
		},
		CheckRedirect: followReads,
	}
}

// followReads leaves other requests alone: a POST would arrive as a GET.
func followReads(_ *http.Request, via []*http.Request) error {
	if first := via[0].Method; first != http.MethodGet && first != http.MethodHead {
		return http.ErrUseLastResponse
	}
	if len(via) >= 5 {
		return errors.New("redirected too often")
	}
	return nil
}

// watched is a connection that fails when nothing moves in either direction.
type watched struct{ net.Conn }

func (c watched) Read(p []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(idleTime)) // a closed connection says so itself
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
		o.HTTP = NewHTTP()
	}
	if o.Tries <= 0 {
		o.Tries = 6
	}
	return conn{Options: o, base: base}, nil
}

// call is a request that may be sent several times.
type call struct {
	method string
	path   string // below the base; escaped
	query  url.Values
	header http.Header
	// body is opened for every attempt; nil: none. size is its length.
	body func() (io.ReadCloser, error)
	size int64
}

// do sends r, which may arrive more than once, until it is answered with success.
// It returns that answer, whose body the caller closes.
func (c *conn) do(ctx context.Context, r call) (*http.Response, error) {
	return retry(ctx, c.Options, func(*pace) (*http.Response, error) {
		res, err := c.send(ctx, r)
		if err != nil && !passing(err) {
			err = final(err)
		}
		return res, err
	})
}

// send makes one attempt. An answer that is no success is an error.
func (c *conn) send(ctx context.Context, r call) (*http.Response, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, err
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

func (c *conn) request(ctx context.Context, r call) (*http.Request, error) {
	address := c.base.JoinPath(r.path)
	address.RawQuery = r.query.Encode()
	var body io.ReadCloser
	if r.body != nil {
		var err error
		if body, err = r.body(); err != nil {
			return nil, final(err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address.String(), nil)
	if err != nil {
		return nil, final(errors.New("the address is malformed"))
	}
	if body != nil {
		req.Body, req.ContentLength = body, r.size
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	return req, nil
}

// NetworkError is the failure to reach the server, or to hear it out.
type NetworkError struct {
	Host string
	Err  error
}

func (e *NetworkError) Error() string { return fmt.Sprintf("cannot reach %s: %v", e.Host, e.Err) }

// Unwrap returns the cause.
func (e *NetworkError) Unwrap() error { return e.Err }

// unreachable leaves out the address, in which the token of a link may be.
func unreachable(req *http.Request, err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return &NetworkError{Host: req.URL.Host, Err: err}
}

// maxAnswer bounds a JSON document of the server.
const maxAnswer = 32 << 20

// ask sends a request with what in is as JSON, and reads the answer into out;
// either may be nil.
func (c *conn) ask(ctx context.Context, r call, in, out any) error {
	r.header = http.Header{"Accept": {"application/json"}}
	if in != nil {
		doc, err := json.Marshal(in)
		if err != nil {
			return err
		}
		r.header.Set("Content-Type", "application/json")
		r.size = int64(len(doc))
		r.body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(doc)), nil }
	}
	res, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	return decode(res, out)
}

func decode(res *http.Response, out any) error {
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return fmt.Errorf("%s answers with %q: is it an Inlet server?", res.Request.URL.Host, kind)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("the answer of %s: %w", res.Request.URL.Host, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // so that the connection is kept
	return nil
}
