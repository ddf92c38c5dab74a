package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"inlet/link"
	"inlet/resume"
	"inlet/upload"
	"inlet/web/intake"
)

const tusVersion = "1.0.0"

// tus serves uploads in pieces: the collection of a link, or one of its uploads.
func (s *Server) tus(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Tus-Resumable", tusVersion)
	grant, err := s.grant(r)
	if err != nil {
		return err
	}
	if isEncoded(r) {
		return errEncoding
	}
	if r.Method == http.MethodPost && param(r, "upload") == "" { // a new file
		err = s.rates.File(r.Context(), w.Header(), s.client(r), grant.ID)
	}
	if err == nil {
		err = s.Resume.Serve(w, r, s.transfer(w, r, grant))
	}
	switch {
	case errors.Is(err, resume.ErrVersion):
		w.Header().Set("Tus-Version", tusVersion)
	case errors.Is(err, resume.ErrLocked), errors.Is(err, resume.ErrInterrupted):
		return err // there is no more to come of the body
	}
	if err != nil && r.ContentLength <= s.MaxFileBytes {
		intake.NewBody(w, r, s.MaxFileBytes).Discard(r)
	}
	return err
}

// tusResult answers with what became of a complete upload.
func (s *Server) tusResult(w http.ResponseWriter, r *http.Request) error {
	grant, err := s.grant(r)
	if err != nil {
		return err
	}
	document, err := s.Resume.Result(w, r, s.transfer(w, r, grant))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, json.RawMessage(document))
}

// transfer is what package resume has to know of the request.
func (s *Server) transfer(w http.ResponseWriter, r *http.Request, grant link.Grant) resume.Transfer {
	return resume.Transfer{
		Sender:   upload.Sender{Grant: grant, Client: s.client(r)},
		Upload:   param(r, "upload"),
		Base:     s.linkURL(param(r, "token")) + "/tus/",
		Pause:    intake.IdleRead,
		Document: s.document,
		Refused:  func(result upload.Result) { s.noteRefused(w, r, []upload.Result{result}) },
	}
}
