package web

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The media types of answers.
const (
	typeJSON   = "application/json"
	typeHTML   = "text/html"
	typeNDJSON = "application/x-ndjson"
	typeCSV    = "text/csv"
	typeZIP    = "application/zip"
)

// preferred picks the offer that the client accepts best. Of equals, and where the
// client accepts none, it picks the first.
func preferred(r *http.Request, offers ...string) string {
	best, most := offers[0], 0.0
	for _, offer := range offers {
		if q := quality(r.Header.Values("Accept"), offer); q > most {
			best, most = offer, q
		}
	}

	return best
}

// prefersJSON tells whether the client likes JSON better than a page. Of equals,
// it likes what it names, as in "application/json, */*".
func prefersJSON(r *http.Request) bool {
	accept := r.Header.Values("Accept")
	json, page := quality(accept, typeJSON), quality(accept, typeHTML)
	names := func(mediaType string) bool {
		return slices.ContainsFunc(accept, func(value string) bool { return strings.Contains(value, mediaType) })
	}

	return json > page || json == page && names(typeJSON) && !names(typeHTML)
}

// quality is the value, from 0 to 1, that the fields of an Accept header give to a
// media type, or of an Accept-Encoding header to an encoding: that of the most
// specific range, 0 where none covers it.
func quality(accept []string, offer string) float64 {
	major, _, _ := strings.Cut(offer, "/")
	ranges := []string{"*/*", major + "/*", offer} // by how specific they are
	value, specific := 0.0, -1
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		given, params, err := mime.ParseMediaType(part)
		rank := slices.Index(ranges, given)
		if err != nil || rank <= specific {
			continue
		}

		specific, value = rank, 1
		if text, weighted := params["q"]; weighted {
			if value, err = strconv.ParseFloat(text, 64); err != nil || value < 0 || value > 1 {
				value = 0
			}
		}
	}

	return value
}
