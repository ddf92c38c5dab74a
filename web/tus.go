package web

import (
	"errors"
	"net/http"

	"inlet/resume"
	"inlet/upload"
	"inlet/web/intake"
)

// tus serves uploads in pieces: the collection of a link, or one of its uploads.
func (s *Server) tus(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Tus-Resumable", resume.Version)
	t, err := s.transfer(r)
	if err != nil {
		return err
	}
	if isEncoded(r) {
		return errEncoding
	}

	if r.Method == http.MethodPost && t.Upload == "" { // a new file
		err = s.rates.File(r.Context(), w.Header(), s.client(r), t.Sender.Grant.ID)
	}
	var reply *resume.Reply
	if err == nil {
		reply, err = s.Resume.Serve(w, r, t)
	}
	if err == nil {
		reply.Send(s.document)
		return nil
	}

	interrupted := errors.Is(err, resume.ErrLocked) || errors.Is(err, resume.ErrInterrupted)
	if !interrupted && r.ContentLength <= s.MaxFileBytes {
		intake.NewBody(w, r, s.MaxFileBytes).Discard(r)
	}

	return err
}

// tusResult answers with the outcome of a complete upload's file.
func (s *Server) tusResult(w http.ResponseWriter, r *http.Request) error {
	t, err := s.transfer(r)
	if err != nil {
		return err
	}
	result, err := s.Resume.Result(w, r, t)
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, s.entry(result))
}

// transfer says for whom the request is, and of which upload it is.
func (s *Server) transfer(r *http.Request) (resume.Transfer, error) {
	grant, err := s.grant(r)

	return resume.Transfer{
		Sender: upload.Sender{Grant: grant, Client: s.client(r)},
		Upload: param(r, "upload"),
		Base:   s.linkURL(param(r, "token")) + "/tus/",
		Pause:  intake.IdleRead,
	}, err
}
