package web

import (
	"net/http"
	"strings"

	"inlet/blob"
)

// mayRedirect tells whether the bucket would answer a request as the service does.
// The bucket knows other ETags, so the service answers whatever depends on one,
// and HEAD, which costs nothing. Ranges work: the client asks the bucket for them.
// A client may take its token along to the bucket, which must not learn it and
// refuses a second credential: so the service answers requests with a token.
func mayRedirect(r *http.Request, etag string) bool {
	h := r.Header
	return r.Method == http.MethodGet && h.Get("Authorization") == "" && h.Get("If-Match") == "" && h.Get("If-Range") == "" &&
		!names(h.Get("If-None-Match"), etag)
}

// names tells whether an If-None-Match header names etag.
func names(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}

	return false
}

// redirect answers with the address of a picture in its bucket. The bytes come
// from another origin there, without this service's security headers.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, k blob.Key, f file) error {
	address, err := s.Bucket.Link(r.Context(), k, f.contentType, f.disposition())
	if err != nil {
		return err
	}

	h := w.Header()
	h.Set("Location", address)
	h.Set("Cache-Control", "no-store") // the address expires
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Referrer-Policy", "no-referrer") // the request's own address may be signed, too
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusTemporaryRedirect)

	return nil
}
