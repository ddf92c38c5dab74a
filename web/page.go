package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pagePolicy lets a page load what comes from here alone, and run no script and
// no style that stands in it. Pictures may also be made by the page itself, or
// be where Linker sends it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data: %s; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// parsePages reads the pages. asset gives them the address of a script or style.
func parsePages(a *assets) (*template.Template, error) {
	pages, err := template.New("").Funcs(template.FuncMap{"asset": a.url}).ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("web: read the pages: %w", err)
	}
	return pages, nil
}

// writePage answers with a page. It is written whole or not at all. Its address
// may be a credential, so it is told to nobody.
func (s *Server) writePage(w http.ResponseWriter, status int, name string, data any) error {
	var body bytes.Buffer
	if err := s.pages.ExecuteTemplate(&body, name, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	h := w.Header()
	askToWait(h, status)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", fmt.Sprintf(pagePolicy, s.StoreOrigin))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())
	return err
}
