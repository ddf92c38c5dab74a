package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"inlet/imaging"
	"inlet/link"
	"inlet/upload"
)

const typeHTML = "text/html"

// lookTime is how long a page waits for what only adorns it.
const lookTime = 2 * time.Second

// showLink answers with the upload page, or with what the link still allows to
// whoever asks for JSON. The page is the default.
func (s *Server) showLink(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the credential
	w.Header().Add("Vary", "Accept")
	if prefersJSON(r) {
		return s.linkState(w, r)
	}
	return s.uploadPage(w, r)
}

// prefersJSON tells whether JSON is liked better than a page. Of equals, it is
// what is named, as in "application/json, */*".
func prefersJSON(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	json, page := quality(accept, typeJSON), quality(accept, typeHTML)
	if json != page {
		return json > page
	}
	return strings.Contains(accept, typeJSON) && !strings.Contains(accept, typeHTML)
}

// senderPage is what all pages for a link's holder show: texts in one language,
// and the way to the others.
type senderPage struct {
	*locale
	Locales []*locale
}

// newSenderPage picks the language, and says so in the answer's header.
func (s *Server) newSenderPage(w http.ResponseWriter, r *http.Request) senderPage {
	l := s.locales.of(r)
	w.Header().Add("Vary", "Accept-Language")
	w.Header().Set("Content-Language", l.Lang)
	return senderPage{l, s.locales.list}
}

// uploadPage is the page on which people send pictures.
type uploadPage struct {
	senderPage
	linkState
	Open     time.Duration // how long the link is still valid
	Accept   string        // media types for the file picker
	MaxFiles int           // of one request
	Script   pageData
}

// pageData is what the page's script is told.
type pageData struct {
	Lang  string             `json:"lang"`
	Now   time.Time          `json:"now"` // by the service's clock
	Link  linkState          `json:"link"`
	Texts map[string]wording `json:"texts"`
}

// uploadPage shows the page. It does not need the database: where that is away,
// the page only does not say how much of the link is left.
func (s *Server) uploadPage(w http.ResponseWriter, r *http.Request) error {
	g, err := s.grant(r)
	if err != nil {
		return s.refusedPage(w, r, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookTime)
	defer cancel()
	state, err := s.stateOf(ctx, g)
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "the page does not say what is left of a link", slog.String("error", redact(r, err)))
	}
	if usedUp(state) {
		return s.refusedPage(w, r, link.ErrExhausted)
	}
	page, now := s.newSenderPage(w, r), s.Now()
	return s.writePage(w, http.StatusOK, "upload.html", uploadPage{
		senderPage: page, linkState: state, Open: g.ExpiresAt.Sub(now), Accept: pickable(), MaxFiles: s.MaxFiles,
		Script: pageData{Lang: page.Lang, Now: now.UTC(), Link: state, Texts: page.forScripts()},
	})
}

// usedUp tells whether no file can come through the link any more.
func usedUp(state linkState) bool {
	return state.FilesLeft != nil && *state.FilesLeft == 0 || state.BytesLeft != nil && *state.BytesLeft == 0
}

// pickable are the media types that a file picker is to offer. They are named
// one by one: asked for image/* alone, phones turn HEIC into JPEG.
func pickable() string {
	types := make([]string, 0, len(imaging.Formats)+1)
	for _, format := range imaging.Formats {
		types = append(types, format.ContentType())
	}
	return strings.Join(append(types, "image/heif"), ",")
}

// FormatNames lists the formats as people write them.
func (p uploadPage) FormatNames() string {
	spelt := map[imaging.Format]string{imaging.WebP: "WebP"}
	names := make([]string, len(p.Formats))
	for i, format := range p.Formats {
		if names[i] = spelt[format]; names[i] == "" {
			names[i] = strings.ToUpper(string(format))
		}
	}
	return strings.Join(names, ", ")
}

// refusedPage tells a person why nothing can be sent. It returns err, for the log.
func (s *Server) refusedPage(w http.ResponseWriter, r *http.Request, err error) error {
	page, k := s.newSenderPage(w, r), kindOf(err)
	reason := string(k.code)
	if !page.has("refused." + reason + ".title") {
		reason = "other"
	}
	failed := s.writePage(w, k.status, "refused.html", struct {
		senderPage
		Reason string
		Again  bool // whether the link itself is good
	}{page, reason, !strings.HasPrefix(string(k.code), "link-")})
	return errors.Join(err, failed)
}

// resultsPage tells the outcome of each file to a person without scripts.
func (s *Server) resultsPage(w http.ResponseWriter, r *http.Request, results []upload.Result) error {
	page := s.newSenderPage(w, r)
	s.noteRefused(w, r, results)
	accepted := 0
	for _, result := range results {
		if result.Status != upload.Rejected {
			accepted++
		}
	}
	return s.writePage(w, statusOf(results), "results.html", struct {
		senderPage
		Results  []upload.Result
		Accepted int
	}{page, results, accepted})
}

// Outcome says what became of a file.
func (p senderPage) Outcome(result upload.Result) (string, error) {
	key := "outcome." + string(result.Status)
	if result.Status == upload.Rejected {
		if key = "outcome." + string(kindOf(result.Err).code); !p.has(key) {
			key = "outcome.internal"
		}
	}
	return p.Text(key)
}
