package web

import "net/http"

// console is the operator's page. It asks for the operator's token itself, so
// the page is no secret.
func (s *Server) console(w http.ResponseWriter, _ *http.Request) error {
	return s.writePage(w, http.StatusOK, "console.html", nil)
}
