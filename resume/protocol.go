package resume

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"

	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/upload"
)

// exchange finds the session that a request is about.
func (s *Service) exchange(w http.ResponseWriter, r *http.Request, t Transfer) (*exchange, error) {
	e := &exchange{Service: s, Transfer: t, conn: http.NewResponseController(w)}
	if t.Upload == "" {
		return e, nil
	}
	var err error
	e.session, err = s.sessions.find(r.Context(), t.Upload, t.Sender.Grant.ID, s.Now())
	return e, err
}

// Serve answers one request of the tus protocol. When it returns an error it has
// answered nothing.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, t Transfer) error {
	e, err := s.exchange(w, r, t)
	if err != nil {
		return err
	}
	defer e.unlock()
	tus, err := e.handler()
	if err != nil {
		return fmt.Errorf("resume: make a handler: %w", err)
	}
	// tusd takes what is left of the path for the id.
	inner, address := *r, *r.URL
	address.Path = "/" + t.Upload
	inner.URL = &address
	out := &response{ResponseWriter: w, e: e}
	tus.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upload-Concat") != "":
			e.failed = fmt.Errorf("%w: Upload-Concat is not supported", ErrProtocol)
		case r.Method == http.MethodPost && t.Upload == "":
			tus.PostFile(w, r)
		case r.Method == http.MethodHead && t.Upload != "":
			tus.HeadFile(w, r)
		case r.Method == http.MethodPatch && t.Upload != "":
			tus.PatchFile(w, r)
		case r.Method == http.MethodDelete && t.Upload != "":
			e.ending = true
			tus.DelFile(w, r)
		default:
			e.failed = fmt.Errorf("%w: X-HTTP-Method-Override names no method of this address", ErrProtocol)
		}
	})).ServeHTTP(out, &inner)
	err = out.refusal()
	if t.Upload == "" && err != nil {
		e.creationFailed(w, r, err)
	}
	return err
}

// handler is tusd's, for this request alone: it knows the link's address, and its
// store the link's session. Making one costs some microseconds.
func (e *exchange) handler() (*handler.UnroutedHandler, error) {
	composer := handler.NewStoreComposer()
	composer.UseCore(e)
	composer.UseTerminater(e)
	composer.UseLocker(e)
	return handler.NewUnroutedHandler(handler.Config{
		StoreComposer:      composer,
		BasePath:           e.Base,
		MaxSize:            e.MaxFileBytes,
		DisableDownload:    true,
		Cors:               &handler.CorsConfig{Disable: true},
		Logger:             e.quiet,
		AcquireLockTimeout: lockWait,
		NetworkTimeout:     e.Pause,
		// The stores write what has come, whether or not the client is there.
		GracefulRequestCompletionTimeout: storeWait,
	})
}

// creationFailed reports a file that was refused before its upload began, and
// tells where one that did begin goes on.
func (e *exchange) creationFailed(w http.ResponseWriter, r *http.Request, err error) {
	if e.session != nil {
		w.Header().Set("Location", e.Base+e.session.id)
		return
	}
	name := filename(handler.ParseMetadataHeader(r.Header.Get("Upload-Metadata")))
	if refused := e.Uploads.Reject(name, err); refused.Settled() {
		e.Refused(refused)
	}
}

// response adds what tusd does not know, and keeps its refusals back, which are
// plain text.
type response struct {
	http.ResponseWriter
	e       *exchange
	refused int // its status
	text    []byte
}

func (w *response) WriteHeader(status int) {
	h := w.Header()
	if status >= 400 {
		w.refused = status
		h.Del("Content-Type")
		h.Del("Content-Length")
		return
	}
	if extensions := h.Get("Tus-Extension"); extensions != "" {
		h.Set("Tus-Extension", extensions+",expiration")
	}
	switch s := w.e.session; {
	case s == nil || w.e.ending:
	case s.result != nil:
		h.Set("Inlet-Result", ascii(s.result))
	default:
		h.Set("Upload-Expires", s.expires.Format(http.TimeFormat))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.refused != 0 {
		w.text = append(w.text, p...)
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// refusal is the error that was kept back; nil if the request was answered.
func (w *response) refusal() error {
	if w.e.failed != nil {
		return w.e.failed
	}
	if w.refused == 0 {
		return nil
	}
	code, message, _ := strings.Cut(strings.TrimSpace(string(w.text)), ": ")
	for _, row := range refusals {
		if code == row.tusd.ErrorCode {
			return row.err
		}
	}
	if w.refused >= 500 {
		return fmt.Errorf("resume: tusd answered %d: %s", w.refused, w.text)
	}
	return fmt.Errorf("%w: %s", ErrProtocol, message)
}

// refusals are those of tusd that mean more than that the request is malformed.
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
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}
