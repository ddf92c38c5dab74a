// Package pages owns what people see in a browser: the upload page and what it
// answers, the operator's console, their scripts, styles and texts, and QR codes.
//
// It promises that a page loads nothing from another origin but pictures, runs no
// script that stands in it, and shows what strangers wrote as text alone.
package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed *.html
var templateFiles embed.FS

// policy lets a page load what comes from its own origin alone, and run no script
// and no style that stands in it. Pictures may also be made by the page itself,
// or come from the origin of the store.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data: %s; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Options of Pages.
type Options struct {
	AssetBase   string // the path of the assets, with a slash at the end
	StoreOrigin string // where pictures may come from besides the service; "": nowhere
	MaxFiles    int    // of one form
}

// Pages writes pages and assets. It is safe for concurrent use.
type Pages struct {
	Options
	templates *template.Template
	assets    *assets
	locales   *locales
}

// New reads the templates, the assets and the texts.
func New(o Options) (*Pages, error) {
	p := &Pages{Options: o}
	var err error
	if p.assets, err = newAssets(); err != nil {
		return nil, err
	}
	if p.locales, err = newLocales(); err != nil {
		return nil, err
	}

	functions := template.FuncMap{"asset": p.assetURL}
	if p.templates, err = template.New("").Funcs(functions).ParseFS(templateFiles, "*.html"); err != nil {
		return nil, fmt.Errorf("pages: read the templates: %w", err)
	}

	return p, nil
}

// Console writes the operator's page. The page asks for the operator's token
// itself, so it is no secret. signed tells whether pictures need a signed address
// or the token.
func (p *Pages) Console(w http.ResponseWriter, signed bool) error {
	return p.write(w, http.StatusOK, "console.html", struct{ Signed bool }{signed})
}

// write answers with a whole page or not at all. It tells the page's address,
// which may be a credential, to nobody.
func (p *Pages) write(w http.ResponseWriter, status int, name string, data any) error {
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, name, data); err != nil {
		return fmt.Errorf("pages: write %s: %w", name, err)
	}

	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", fmt.Sprintf(policy, p.StoreOrigin))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())

	return err
}
