package web

import "net/http"

// statistics answers with the counters.
func (s *Server) statistics(w http.ResponseWriter, r *http.Request) error {
	doc, err := s.Stats.Read(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, doc)
}
