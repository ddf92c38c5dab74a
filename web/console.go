package web

import "net/http"

// consolePage is what the page of the console has to know of the service.
type consolePage struct {
	Signed bool // pictures need a signed address, or the token
}

// console is the operator's page. It asks for the operator's token itself, so
// the page is no secret.
func (s *Server) console(w http.ResponseWriter, _ *http.Request) error {
	return s.writePage(w, http.StatusOK, "console.html", consolePage{Signed: s.Signer != nil})
}
