package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"inlet/link"
	"inlet/web/pages"
)

// console answers with the operator's page.
func (s *Server) console(w http.ResponseWriter, _ *http.Request) error {
	return s.pages.Console(w, s.Signer != nil)
}

// asset answers with a file of the pages.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	takesGzip := quality(r.Header.Values("Accept-Encoding"), "gzip") > 0
	if !s.pages.Asset(w, r, param(r, "version"), strings.TrimPrefix(param(r, "file"), "/"), takesGzip) {
		return errNotFound
	}

	return nil
}

// qrPNG draws the link as a QR code.
func (s *Server) qrPNG(w http.ResponseWriter, r *http.Request) error {
	return s.qr(w, r, "image/png", pages.QRPNG)
}

// qrSVG draws the link as a QR code of any size.
func (s *Server) qrSVG(w http.ResponseWriter, r *http.Request) error {
	return s.qr(w, r, "image/svg+xml", pages.QRSVG)
}

// qr answers with a picture that is as secret as its link. People print links
// before they are valid.
func (s *Server) qr(w http.ResponseWriter, r *http.Request, contentType string, draw func(address string) ([]byte, error)) error {
	if _, err := s.grant(r); err != nil && !errors.Is(err, link.ErrNotYetValid) {
		return err
	}
	picture, err := draw(s.linkURL(param(r, "token")))
	if err != nil {
		return err
	}

	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(picture)))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, err = w.Write(picture)

	return err
}
