package resume

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"unicode/utf16"

	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/upload"
)

// Version is the version of the protocol, which each answer tells in the header
// Tus-Resumable.
const Version = "1.0.0"

// Serve carries out one request of the protocol.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, t Transfer) (*Reply, error) {
	e, err := s.exchange(w, r, t)
	if err != nil {
		return nil, err
	}
	defer e.unlock()
	tus, err := e.handler()
	if err != nil {
		return nil, fmt.Errorf("resume: make a handler: %w", err)
	}

	// tusd takes the rest of the path for the id.
	inner, address := *r, *r.URL
	address.Path = "/" + t.Upload
	inner.URL = &address
	reply := &Reply{conn: w, header: http.Header{}}
	tus.Middleware(e.route(tus)).ServeHTTP(reply, &inner)

	if e.stored != nil && !e.ending {
		if err := e.finish(r.Context()); !errors.Is(err, ErrUnfinished) {
			_ = e.fail(err)
		}
	}
	if err := e.refusal(reply); err != nil {
		e.refused(w, r, err)
		return nil, err
	}
	e.complement(reply)

	return reply, nil
}

// handler is tusd's, for this request alone: it knows the link's address, and its
// store the link's session. Making one costs some microseconds.
func (e *exchange) handler() (*handler.UnroutedHandler, error) {
	composer := handler.NewStoreComposer()
	composer.UseCore(e)
	composer.UseTerminater(e)

	return handler.NewUnroutedHandler(handler.Config{
		StoreComposer:   composer,
		BasePath:        e.Base,
		MaxSize:         e.MaxFileBytes,
		DisableDownload: true,
		Cors:            &handler.CorsConfig{Disable: true},
		Logger:          e.quiet,
		NetworkTimeout:  e.Pause,
		// A Store writes what has arrived, whether or not the client is there.
		GracefulRequestCompletionTimeout: storeWait,
	})
}

func (e *exchange) route(tus *handler.UnroutedHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upload-Concat") != "":
			e.failed = fmt.Errorf("%w: Upload-Concat is not supported", ErrProtocol)
		case r.Method == http.MethodPost && e.Upload == "":
			tus.PostFile(w, r)
		case r.Method == http.MethodHead && e.Upload != "":
			tus.HeadFile(w, r)
		case r.Method == http.MethodPatch && e.Upload != "":
			tus.PatchFile(w, r)
		case r.Method == http.MethodDelete && e.Upload != "":
			e.ending = true
			tus.DelFile(w, r)
		default:
			e.failed = fmt.Errorf("%w: X-HTTP-Method-Override names no method of this address", ErrProtocol)
		}
	}
}

// Reply is the answer to a request that succeeded. While tusd carries the request
// out, the reply is its http.ResponseWriter, and keeps what tusd would answer.
type Reply struct {
	conn   http.ResponseWriter
	header http.Header
	status int
	text   strings.Builder // of a refusal
	result *Result         // of the upload's file; nil until it is known
}

// Send answers. document writes an outcome as the contract's JSON, in one line.
func (p *Reply) Send(document func(upload.Result) []byte) {
	h := p.conn.Header()
	maps.Copy(h, p.header)
	if p.result != nil {
		h.Set("Inlet-Result", ascii(document(p.result.outcome())))
	}
	p.conn.WriteHeader(p.status)
}

// Header implements http.ResponseWriter.
func (p *Reply) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *Reply) WriteHeader(status int) { p.status = status }

// Write implements http.ResponseWriter.
func (p *Reply) Write(text []byte) (int, error) { return p.text.Write(text) }

// Unwrap lets http.ResponseController reach the connection.
func (p *Reply) Unwrap() http.ResponseWriter { return p.conn }

// complement adds to a reply what only the exchange knows.
func (e *exchange) complement(p *Reply) {
	if extensions := p.header.Get("Tus-Extension"); extensions != "" {
		p.header.Set("Tus-Extension", extensions+",expiration")
	}
	switch {
	case e.session == nil || e.ending:
	case e.session.Result != nil:
		p.result = e.session.Result
	default:
		p.header.Set("Upload-Expires", e.session.ExpiresAt.Format(http.TimeFormat))
	}
}

// refused adds to a refusal what the protocol wants to be said, and counts a file
// that was refused before its upload began.
func (e *exchange) refused(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrVersion) {
		w.Header().Set("Tus-Version", Version)
	}
	switch {
	case e.Upload != "":
	case e.session != nil:
		w.Header().Set("Location", e.Base+e.session.ID)
	default:
		name := filename(handler.ParseMetadataHeader(r.Header.Get("Upload-Metadata")))
		if outcome := e.Uploads.Reject(name, err); outcome.Settled() {
			e.countRefused(r.Context(), outcome)
		}
	}
}

// refusal is the error that the request fails with, nil if it succeeded.
func (e *exchange) refusal(p *Reply) error {
	if e.failed != nil || p.status < 400 {
		return e.failed
	}

	code, message, _ := strings.Cut(strings.TrimSpace(p.text.String()), ": ")
	for _, row := range refusals {
		if code == row.tusd.ErrorCode {
			return row.err
		}
	}
	if p.status >= 500 {
		return fmt.Errorf("resume: tusd answered %d: %s", p.status, p.text.String())
	}

	return fmt.Errorf("%w: %s", ErrProtocol, message)
}

// refusals are those of tusd that mean more than a malformed request.
var refusals = []struct {
	tusd handler.Error
	err  error
}{
	{handler.ErrUnsupportedVersion, ErrVersion},
	{handler.ErrMismatchOffset, ErrOffset},
	{handler.ErrMaxSizeExceeded, upload.ErrTooLarge},
	{handler.ErrSizeExceeded, fmt.Errorf("%w: the body has more than the upload's length", upload.ErrTooLarge)},
	{handler.ErrNotImplemented, fmt.Errorf("%w: Upload-Length must be known at the beginning", ErrProtocol)},
	{handler.ErrReadTimeout, ErrInterrupted},
	{handler.ErrConnectionReset, ErrInterrupted},
	{handler.ErrUnexpectedEOF, ErrInterrupted},
}

// ascii writes JSON as a header may carry it.
func ascii(document []byte) string {
	var b strings.Builder
	for _, r := range string(document) {
		if r < 0x7f {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}

	return b.String()
}
