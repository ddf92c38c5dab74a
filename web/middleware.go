package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"inlet/imaging"
	"inlet/web/intake"
)

// handler is an http.Handler that may fail. A problem document answers its error,
// unless the answer has begun.
type handler func(w http.ResponseWriter, r *http.Request) error

// statusGone is the status, in the log and the metrics, of requests whose client
// left before the answer. Nobody receives it.
const statusGone = 499

// handle gives every request of a handler an id, a log line without tokens,
// metrics by route, and an answer to panics.
func (s *Server) handle(route string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		id := rand.Text()
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", id)

		conn := http.NewResponseController(w)
		// An earlier answer on this connection may have left its deadline.
		_ = conn.SetWriteDeadline(time.Time{})
		if r.ContentLength != 0 {
			// The server reads the body even where the handler does not.
			_ = conn.SetReadDeadline(time.Now().Add(intake.IdleRead))
		}
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		r, span := s.trace(r, route, id)

		err := s.try(h, rec, r)
		switch {
		case rec.began:
		case err == nil:
			rec.status = http.StatusOK // net/http answers so
		case gone(r, err):
			rec.status = statusGone
		default:
			writeProblem(rec, problemOf(err))
		}

		traced(span, rec)
		s.metrics.observe(route, methodOf(r), rec.status, rec.bytes, s.Now().Sub(start))
		s.log(r, route, id, rec, err, s.Now().Sub(start))
		if err != nil && (rec.status < 400 || rec.status == statusGone) {
			// The answer began and cannot end well: the client must see that it
			// is not whole.
			panic(http.ErrAbortHandler)
		}
	})
}

// try runs a handler and turns its panic into an error.
func (s *Server) try(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(w, r)
}

func (s *Server) log(r *http.Request, route, id string, rec *recorder, err error, took time.Duration) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("request", id), slog.String("method", r.Method), slog.String("route", route),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Duration("took", took),
		slog.String("client", s.client(r).String()),
	}
	if span := trace.SpanContextFromContext(r.Context()); span.IsSampled() {
		attrs = append(attrs, slog.String("trace", span.TraceID().String()))
	}

	if err != nil && !gone(r, err) {
		attrs = append(attrs, slog.String("error", redact(r, err)))
		if rec.status >= 500 && !errors.Is(err, imaging.ErrNotReady) { // no failure: the worker will decode it
			level = slog.LevelError
		}
	}

	s.Log.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

// redact is an error's text without the request's credentials.
func redact(r *http.Request, err error) string {
	text := err.Error()
	for _, secret := range []string{param(r, "token"), r.URL.Query().Get("sig"), r.Header.Get("Authorization")} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}

	return text
}

// recorder remembers the status and the size of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	began  bool
}

func (rec *recorder) WriteHeader(status int) {
	if status >= 200 {
		rec.began, rec.status = true, status
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(p []byte) (int, error) {
	if !rec.began {
		rec.WriteHeader(http.StatusOK)
	}
	n, err := rec.ResponseWriter.Write(p)
	rec.bytes += int64(n)

	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// asOperator lets only the holder of the operator's token pass.
func (s *Server) asOperator(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.authorize(r); err != nil {
			return err
		}
		return h(w, r)
	}
}

// asVisitor bounds how often a client asks for pages and checks.
func (s *Server) asVisitor(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.rates.Visit(r.Context(), w.Header(), s.client(r)); err != nil {
			return err
		}
		return h(w, r)
	}
}

// authorize compares in constant time, whatever the lengths.
func (s *Server) authorize(r *http.Request) error {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return errUnauthorized
	}

	given, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.AdminToken))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return errForbidden
	}

	return nil
}

// peer is the address at the other end of the connection, invalid if there is none.
func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, _ := netip.ParseAddr(host)

	return addr
}

// client is the nearest address of the request's way that is no trusted proxy.
func (s *Server) client(r *http.Request) netip.Addr {
	addr := peer(r)
	if !addr.IsValid() {
		return netip.IPv6Unspecified()
	}

	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next
	}

	return addr.Unmap().WithZone("")
}

func (s *Server) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}
