package web

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"inlet/catalog"
)

// The forms of the list.
const (
	typeJSON   = "application/json"
	typeNDJSON = "application/x-ndjson"
	typeCSV    = "text/csv"
	typeZIP    = "application/zip"
)

// listImages answers with one page of pictures, or streams all of them.
func (s *Server) listImages(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	filter, err := catalog.ParseFilter(query)
	if err != nil {
		return err
	}
	for _, name := range []string{"sort", "predicted"} {
		if query.Has(name) {
			return fmt.Errorf("%w: %s is not supported", errBadRequest, name)
		}
	}
	w.Header().Set("Vary", "Accept")
	if form := preferred(r, typeJSON, typeNDJSON, typeCSV, typeZIP); form != typeJSON {
		return s.streamAs(w, r, form, filter)
	}
	limit, cursor, err := page(r)
	if err != nil {
		return err
	}
	images, following, err := s.Catalog.List(r.Context(), filter, limit, cursor)
	if err != nil {
		return err
	}
	if images == nil {
		images = []catalog.Document{}
	}
	return writeJSON(w, http.StatusOK, struct {
		Images []catalog.Document `json:"images"`
		Next   *string            `json:"next"`
	}{images, next(following)})
}

// streamAs sends everything that matches, in one of the forms that have no pages.
func (s *Server) streamAs(w http.ResponseWriter, r *http.Request, form string, filter catalog.Filter) error {
	switch form {
	case typeCSV:
		return s.streamCSV(w, r, filter)
	case typeZIP:
		return s.streamZIP(w, r, filter)
	}
	return s.streamNDJSON(w, r, filter)
}

// preferred picks the media type that the client accepts best; of equals, and
// when it accepts none of them, the first.
func preferred(r *http.Request, offers ...string) string {
	best, most := offers[0], 0.0
	accept := strings.Join(r.Header.Values("Accept"), ",")
	for _, offer := range offers {
		if q := quality(accept, offer); q > most {
			best, most = offer, q
		}
	}
	return best
}

// quality is what an Accept header thinks of a media type: the value of the most
// specific range that covers it, 0 when there is none.
func quality(accept, mediaType string) float64 {
	major, _, _ := strings.Cut(mediaType, "/")
	value, specific := 0.0, 0
	for part := range strings.SplitSeq(accept, ",") {
		given, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		rank := 0
		switch given {
		case mediaType:
			rank = 3
		case major + "/*":
			rank = 2
		case "*/*":
			rank = 1
		}
		if rank <= specific {
			continue
		}
		specific, value = rank, 1
		if text, given := params["q"]; given {
			if value, err = strconv.ParseFloat(text, 64); err != nil || value < 0 || value > 1 {
				value = 0
			}
		}
	}
	return value
}

// streamNDJSON sends every picture that matches, one JSON document a line.
func (s *Server) streamNDJSON(w http.ResponseWriter, r *http.Request, filter catalog.Filter) error {
	out := newStream(w, typeNDJSON, "images.ndjson")
	enc := json.NewEncoder(out)
	err := s.Catalog.Stream(r.Context(), filter, func(d *catalog.Document) error {
		if err := enc.Encode(d); err != nil {
			return err
		}
		return out.sent()
	})
	return out.end(err)
}

// streamInterval is how long what is found may wait in the buffer.
const streamInterval = time.Second

// stream is an answer of any length. Nothing is sent before its buffer is full
// or streamInterval has passed, so that a query which fails at once is answered
// with a problem document.
type stream struct {
	paced
	buf     []byte
	flushed time.Time
}

func newStream(w http.ResponseWriter, contentType, name string) *stream {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no")
	return &stream{paced: newPaced(w), buf: make([]byte, 0, 64<<10), flushed: time.Now()}
}

func (s *stream) Write(p []byte) (int, error) {
	if len(s.buf)+len(p) > cap(s.buf) {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	s.buf = append(s.buf, p...)
	return len(p), nil
}

// sent notes that one record is complete.
func (s *stream) sent() error {
	if time.Since(s.flushed) < streamInterval {
		return nil
	}
	return s.flush()
}

func (s *stream) flush() error {
	if _, err := s.paced.Write(s.buf); err != nil {
		return err
	}
	s.buf, s.flushed = s.buf[:0], time.Now()
	return s.paced.flush()
}

// end sends the rest, unless there was an error.
func (s *stream) end(err error) error {
	if err != nil {
		return err
	}
	return s.flush()
}
