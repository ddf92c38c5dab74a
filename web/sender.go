package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"inlet/db"
	"inlet/link"
	"inlet/upload"
	"inlet/web/pages"
)

// usageTime is how long the upload page waits for what is left of the link.
const usageTime = 2 * time.Second

// showLink answers with the upload page, or with what the link still allows where
// the client asks for JSON.
func (s *Server) showLink(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the credential
	w.Header().Add("Vary", "Accept")
	if prefersJSON(r) {
		return s.linkState(w, r)
	}

	return s.uploadPage(w, r)
}

// uploadPage answers with the page on which people send pictures. Without the
// database the page only lacks how much of the link is left.
func (s *Server) uploadPage(w http.ResponseWriter, r *http.Request) error {
	g, err := s.grant(r)
	if err != nil {
		return s.refusedPage(w, r, err)
	}

	ctx, cancel := context.WithTimeout(r.Context(), usageTime)
	defer cancel()
	state, err := s.stateOf(ctx, g)
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "the page lacks how much of a link is left", slog.String("error", redact(r, err)))
	}
	if state.FilesLeft != nil && *state.FilesLeft == 0 || state.BytesLeft != nil && *state.BytesLeft == 0 {
		return s.refusedPage(w, r, link.ErrExhausted)
	}

	return s.pages.Upload(w, r, pages.Upload{
		Label: state.Label, ExpiresAt: state.ExpiresAt, FilesLeft: state.FilesLeft, BytesLeft: state.BytesLeft,
		MaxFileBytes: state.MaxFileBytes, Now: s.Now(), Link: state,
	})
}

// refusedPage tells a person why nothing can be sent. It returns err, for the log.
func (s *Server) refusedPage(w http.ResponseWriter, r *http.Request, err error) error {
	k := kindOf(err)
	askToWait(w.Header(), k.status)

	return errors.Join(err, s.pages.Refused(w, r, k.status, k.code))
}

// resultsPage tells a person without scripts what became of each file.
func (s *Server) resultsPage(w http.ResponseWriter, r *http.Request, results []upload.Result) error {
	s.noteRefused(w, r, results)
	outcomes := make([]pages.Outcome, len(results))
	for i, result := range results {
		outcomes[i] = pages.Outcome{Filename: result.Filename, Status: result.Status, Code: db.CodeOf(result.Err)}
	}
	status := statusOf(results)
	askToWait(w.Header(), status)

	return s.pages.Results(w, r, status, outcomes)
}
