package web

import (
	"context"
	"net/http"
	"strings"

	"inlet/blob"
)

// Linker gives addresses under which a store itself answers, for a short time,
// with what it keeps.
type Linker interface {
	Link(ctx context.Context, k blob.Key, contentType, disposition string) (string, error)
}

// mayRedirect tells whether a store would answer a request as we do. It knows
// other ETags than ours, so what depends on those is answered here, and so is
// HEAD, which costs nothing. Ranges are asked of the store, by the client. One that
// has a token with it may take that along to the store, which is to learn nothing,
// and refuses two credentials.
func mayRedirect(r *http.Request, etag string) bool {
	h := r.Header
	return r.Method == http.MethodGet && h.Get("Authorization") == "" && h.Get("If-Match") == "" && h.Get("If-Range") == "" &&
		!holds(h.Get("If-None-Match"), etag)
}

// holds tells whether one of the tags in an If-None-Match is etag.
func holds(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// redirect answers with the address of a picture in its store. The store cannot
// be asked for our security headers; the bytes come from another origin there.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, k blob.Key, f file) error {
	address, err := s.Linker.Link(r.Context(), k, f.contentType, f.disposition())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Location", address)
	h.Set("Cache-Control", "no-store") // the address expires
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Referrer-Policy", "no-referrer") // and its own may be signed, too
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}
