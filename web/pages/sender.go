package pages

import (
	"net/http"
	"strings"
	"time"

	"inlet/imaging"
	"inlet/problem"
	"inlet/upload"
)

// Upload is what the upload page shows of a link. Limits are nil where there are
// none.
type Upload struct {
	Label                *string
	ExpiresAt            time.Time
	FilesLeft, BytesLeft *int64
	MaxFileBytes         int64
	Now                  time.Time // by the service's clock
	Link                 any       // the state of the link, as the page's script reads it
}

// Outcome is what became of one file. Code says why a file was rejected.
type Outcome struct {
	Filename string
	Status   upload.Status
	Code     problem.Code
}

// sender is what all pages for a link's holder show: texts in one language, and
// the way to the others.
type sender struct {
	*locale
	Locales []*locale
}

// newSender picks the language and names it in the answer's header.
func (p *Pages) newSender(w http.ResponseWriter, r *http.Request) sender {
	l := p.locales.of(r)
	w.Header().Add("Vary", "Accept-Language")
	w.Header().Set("Content-Language", l.Lang)

	return sender{l, p.locales.list}
}

// uploadPage is what upload.html shows.
type uploadPage struct {
	sender
	Upload
	MaxFiles int
	Script   script
}

// script is what the page's script reads.
type script struct {
	Lang  string             `json:"lang"`
	Now   time.Time          `json:"now"`
	Link  any                `json:"link"`
	Texts map[string]wording `json:"texts"`
}

// Upload writes the page on which people send pictures.
func (p *Pages) Upload(w http.ResponseWriter, r *http.Request, u Upload) error {
	page := p.newSender(w, r)

	return p.write(w, http.StatusOK, "upload.html", uploadPage{
		sender: page, Upload: u, MaxFiles: p.MaxFiles,
		Script: script{Lang: page.Lang, Now: u.Now.UTC(), Link: u.Link, Texts: page.forScripts()},
	})
}

// Open is how long the link is still valid.
func (u Upload) Open() time.Duration { return u.ExpiresAt.Sub(u.Now) }

// Accept lists the media types that a file picker offers, one by one: asked for
// image/* alone, phones turn HEIC into JPEG.
func (Upload) Accept() string {
	types := make([]string, 0, len(imaging.Formats)+1)
	for _, format := range imaging.Formats {
		types = append(types, format.ContentType())
	}

	return strings.Join(append(types, "image/heif"), ",")
}

// FormatNames lists the formats as people write them.
func (Upload) FormatNames() string {
	names := make([]string, len(imaging.Formats))
	for i, format := range imaging.Formats {
		if names[i] = strings.ToUpper(string(format)); format == imaging.WebP {
			names[i] = "WebP"
		}
	}

	return strings.Join(names, ", ")
}

// Refused tells a person why nothing can be sent.
func (p *Pages) Refused(w http.ResponseWriter, r *http.Request, status int, code problem.Code) error {
	page, reason := p.newSender(w, r), string(code)
	if !page.has("refused." + reason + ".title") {
		reason = "other"
	}

	return p.write(w, status, "refused.html", struct {
		sender
		Reason string
		Again  bool // whether the link itself is good
	}{page, reason, !strings.HasPrefix(string(code), "link-")})
}

// Results tells a person without scripts what became of each file.
func (p *Pages) Results(w http.ResponseWriter, r *http.Request, status int, outcomes []Outcome) error {
	accepted := 0
	for _, o := range outcomes {
		if o.Status != upload.Rejected {
			accepted++
		}
	}

	return p.write(w, status, "results.html", struct {
		sender
		Results  []Outcome
		Accepted int
	}{p.newSender(w, r), outcomes, accepted})
}

// Outcome says in words what became of a file.
func (s sender) Outcome(o Outcome) (string, error) {
	key := "outcome." + string(o.Status)
	if o.Status == upload.Rejected {
		if key = "outcome." + string(o.Code); !s.has(key) {
			key = "outcome.internal"
		}
	}

	return s.Text(key)
}
