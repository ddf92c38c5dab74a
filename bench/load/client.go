package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"inlet/bench/service"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 1 << 20

// errCut reports a request that was cut off on purpose.
var errCut = errors.New("cut off")

// lostError is a request that ended without an answer.
type lostError struct{ err error }

func (e *lostError) Error() string { return "no answer: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// busyError is an answer that asks for a retry.
type busyError struct {
	status int
	code   string
	after  time.Duration
}

func (e *busyError) Error() string { return fmt.Sprintf("%d %s", e.status, e.code) }

// post is one attempt to send a file.
type post struct {
	file file
	link string // its address
	form bool
	// slow is the rate in bytes a second; 0: unlimited.
	slow byteSize
	// cut ends the request after so many bytes of its body; 0: never.
	cut int64
	// cutDelay is the time from the last byte to the cut; 0 if bytes are missing.
	cutDelay time.Duration
}

// envelope is the rest of the body around the file.
func (p post) envelope() (contentType, head, tail string) {
	return service.Envelope(p.form, p.file.name)
}

// size returns the bytes of the whole body, and of the part that ends with the
// file's last byte: a service that got less cannot have the file.
func (p post) size() (whole, incomplete int64) {
	_, head, tail := p.envelope()
	incomplete = int64(len(head)) + p.file.size
	return incomplete + int64(len(tail)), incomplete
}

// send sends the file and returns the answer's entry. Its error is errCut, a
// *busyError, a *lostError, or any other fault.
func (p post) send(ctx context.Context, client *http.Client) (entry, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	contentType, head, tail := p.envelope()
	content, err := p.file.open()
	if err != nil {
		return entry{}, err
	}
	defer content.Close()
	body := io.MultiReader(strings.NewReader(head), content, strings.NewReader(tail))
	if p.slow > 0 {
		body = &slowReader{ctx, body, int(p.slow)}
	}

	cut := &cutReader{r: body, left: p.cut, delay: p.cutDelay, broke: cancel}
	if p.cut > 0 {
		body = cut
	}

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.link, body)
	if err != nil {
		return entry{}, err
	}

	req.Header.Set("Content-Type", contentType)
	req.ContentLength, _ = p.size()
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		return p.answer(resp)
	}

	if cut.done.Load() {
		return entry{}, errCut
	}

	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err // it quotes the address, a credential
	}

	return entry{}, &lostError{err}
}

// answer reads the answer to one file.
func (p post) answer(resp *http.Response) (entry, error) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return entry{}, &lostError{err}
	}

	var doc struct {
		Code    string  `json:"code"`
		Results []entry `json:"results"`
	}

	err = json.Unmarshal(text, &doc)
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil || seconds < 0 {
			return entry{}, fmt.Errorf("%s without a good Retry-After: %s", resp.Status, text)
		}

		return entry{}, &busyError{status, doc.Code, time.Duration(seconds) * time.Second}
	case fromProxy(status):
		return entry{}, &lostError{errors.New(resp.Status)}
	case err != nil || len(doc.Results) != 1:
		return entry{}, fmt.Errorf("%s: %.500s", resp.Status, text)
	}

	return doc.Results[0], nil
}

// fromProxy tells whether the status comes from a proxy without a replica.
func fromProxy(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// get copies an answer into w and returns its length. Its error is a *lostError if
// a retry may help.
func get(ctx context.Context, client *http.Client, url, token string, w io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}

	resp, err := client.Do(req)
	if err != nil {
		return 0, &lostError{err}
	}
	defer resp.Body.Close()
	if status := resp.StatusCode; status != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) // only for the message
		err := fmt.Errorf("%s: %s", resp.Status, text)
		if status == http.StatusServiceUnavailable || fromProxy(status) {
			err = &lostError{err}
		}

		return 0, err
	}

	n, err := io.Copy(w, resp.Body)
	if err != nil {
		err = &lostError{err}
	}

	return n, err
}

// slowReader is a slow network.
type slowReader struct {
	ctx  context.Context //nolint:containedctx // a Reader has no other way to learn of the end
	r    io.Reader
	rate int // bytes a second
}

func (s *slowReader) Read(p []byte) (int, error) {
	const tick = 100 * time.Millisecond
	timer := time.NewTimer(tick)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}

	return s.r.Read(p[:min(len(p), s.rate/int(time.Second/tick))])
}

// cutReader is a network that breaks after some bytes: at once, or, if those are
// all, after a delay.
type cutReader struct {
	r     io.Reader
	left  int64
	delay time.Duration
	broke func()
	done  atomic.Bool
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left == 0 && c.delay == 0 {
		return 0, errCut
	}

	n, err := c.r.Read(p[:min(int64(len(p)), max(c.left, 1))])
	c.left -= int64(n)
	if c.left == 0 && c.done.CompareAndSwap(false, true) && c.delay > 0 {
		time.AfterFunc(c.delay, c.broke)
	}

	return n, err
}

// maxCutDelay bounds the time from the last byte of a request to its cut.
const maxCutDelay = 100 * time.Millisecond

// cutOff cuts an attempt off: mostly within the file, sometimes after all of it,
// before the answer. In the second case, unknown is true: the service may have
// accepted the file.
func (p *post) cutOff(rnd *rand.Rand) (unknown bool) {
	whole, incomplete := p.size()
	if rnd.IntN(4) == 0 {
		p.cut, p.cutDelay = whole, 1+rand.N(maxCutDelay)
		return true
	}

	p.cut, p.cutDelay = 1+rnd.Int64N(incomplete-1), 0

	return false
}
