package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"inlet/catalog"
	"inlet/web/intake"
)

// exportFor is how long the address of an export is good. A download that has
// begun by then goes on.
const exportFor = 10 * time.Minute

// exportKey is the purpose of the key that signs these addresses: no other key is
// good here, nor this one elsewhere.
const exportKey = "exports"

// exportSpec is the request for an export.
type exportSpec struct {
	Format string        `json:"format"`
	Filter filterMembers `json:"filter"`
}

// exportForm is the media type of a format, "" for an unknown one.
func exportForm(format string) string {
	return map[string]string{"csv": typeCSV, "ndjson": typeNDJSON, "zip": typeZIP}[format]
}

// createExport makes an address that a browser can download for a short time
// without a header. The service stores nothing: the signed address has it all.
func (s *Server) createExport(w http.ResponseWriter, r *http.Request) error {
	var spec exportSpec
	if err := intake.ReadJSON(w, r, intake.MaxJSON, &spec); err != nil {
		return err
	}
	if exportForm(spec.Format) == "" {
		return fmt.Errorf("%w: format is one of csv, ndjson, zip", errBadRequest)
	}
	_, query, err := spec.Filter.given().parse()
	if err != nil {
		return err
	}

	until := s.Now().Add(exportFor).UTC().Truncate(time.Second)
	query.Set("exp", strconv.FormatInt(until.Unix(), 10))
	query.Set("sig", s.signExport(spec.Format, query))

	address := s.PublicURL + "/v1/exports/" + spec.Format + "?" + query.Encode()
	w.Header().Set("Location", address)
	return writeJSON(w, http.StatusCreated, struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expires_at"`
	}{address, until})
}

// export streams the pictures that the signed address asks for.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	format, query := param(r, "format"), r.URL.Query()
	if exportForm(format) == "" {
		return errNotFound
	}
	until, err := strconv.ParseInt(query.Get("exp"), 10, 64)
	if !hmac.Equal([]byte(query.Get("sig")), []byte(s.signExport(format, query))) || err != nil || s.Now().Unix() >= until {
		return fmt.Errorf("%w: the address needs a valid, unexpired signature", errForbidden)
	}

	filter, err := catalog.ParseFilter(query)
	if err != nil {
		return err
	}
	return s.streamAs(w, r, exportForm(format), filter)
}

// signExport signs the format and all of the query but the signature itself.
func (s *Server) signExport(format string, query url.Values) string {
	signed := url.Values{}
	for name, values := range query {
		if name != "sig" {
			signed[name] = values
		}
	}

	mac := hmac.New(sha256.New, s.Gate.Keys.Derive(exportKey))
	mac.Write(fmt.Appendf(nil, "%s\n%s", format, signed.Encode()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
