package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"inlet/catalog"
)

// maxPage is how many entries a page of a list may have.
const maxPage, defaultPage = 500, 50

// listImages answers with one page of pictures, or streams all of them.
func (s *Server) listImages(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	filter, err := catalog.ParseFilter(query)
	if err != nil {
		return err
	}
	for _, name := range []string{"sender", "filename", "near"} { // without them the query would select more
		if query.Has(name) {
			return fmt.Errorf("%w: the filter %s is not supported yet", errBadRequest, name)
		}
	}
	w.Header().Set("Vary", "Accept")
	form := preferred(r, typeJSON, typeNDJSON, typeCSV, typeZIP)
	if query.Has("sort") {
		return s.listUncertain(w, r, form, filter)
	}
	if form != typeJSON {
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
	return writeImages(w, images, following)
}

// maxUncertain is how many pictures a page of the labelling queue may have: the
// service compares each with the others.
const maxUncertain = 100

// listUncertain answers with the pictures that are most worth labelling next. There
// is no page after it: each label changes what comes next.
func (s *Server) listUncertain(w http.ResponseWriter, r *http.Request, form string, filter catalog.Filter) error {
	limit, cursor, err := page(r)
	if err != nil {
		return err
	}
	if form != typeJSON {
		return fmt.Errorf("%w: with sort the answer is %s only, not %s", errBadRequest, typeJSON, form)
	}
	if sort := r.URL.Query()["sort"]; len(sort) != 1 || sort[0] != "uncertain" || cursor != "" {
		return fmt.Errorf("%w: sort can be uncertain, and has no cursor", errBadRequest)
	}

	images, err := s.Registry.Next(r.Context(), filter, min(limit, maxUncertain))
	if err != nil {
		return err
	}

	return writeImages(w, images, "")
}

// writeImages answers with one page of pictures.
func writeImages(w http.ResponseWriter, images []catalog.Document, following string) error {
	if images == nil {
		images = []catalog.Document{}
	}

	return writeJSON(w, http.StatusOK, struct {
		Images []catalog.Document `json:"images"`
		Next   *string            `json:"next"`
	}{images, orNull(following)})
}

// streamAs sends every picture that matches, in a form without pages.
func (s *Server) streamAs(w http.ResponseWriter, r *http.Request, form string, filter catalog.Filter) error {
	switch form {
	case typeCSV:
		return s.streamCSV(w, r, filter)
	case typeZIP:
		return s.streamZIP(w, r, filter)
	}
	return s.streamNDJSON(w, r, filter)
}

// page reads the parameters of a list.
func page(r *http.Request) (limit int, cursor string, err error) {
	query := r.URL.Query()
	limit = defaultPage
	if text := query.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxPage {
			return 0, "", fmt.Errorf("%w: limit is a number from 1 to %d", errBadRequest, maxPage)
		}
	}

	return limit, query.Get("cursor"), nil
}

// orNull writes a zero value, such as the cursor of the last page, as null.
func orNull[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}

	return &value
}

// streamNDJSON sends every picture that matches, one JSON document a line.
func (s *Server) streamNDJSON(w http.ResponseWriter, r *http.Request, filter catalog.Filter) error {
	out := newStream(w, typeNDJSON, "images.ndjson")
	encoder := json.NewEncoder(out)

	return out.end(s.each(r, filter, out, func(d *catalog.Document) error { return encoder.Encode(d) }))
}

// each writes every picture that matches to out.
func (s *Server) each(r *http.Request, filter catalog.Filter, out *stream, write func(*catalog.Document) error) error {
	return s.Catalog.Stream(r.Context(), filter, func(d *catalog.Document) error {
		if err := write(d); err != nil {
			return err
		}
		return out.written()
	})
}

// streamInterval is how long a record may wait in the buffer.
const streamInterval = time.Second

// stream is an answer of any length. It sends nothing before its buffer is full or
// streamInterval has passed: so a query that fails at once is answered with a
// problem document.
type stream struct {
	*bufio.Writer
	client  paced
	flushed time.Time
}

func newStream(w http.ResponseWriter, contentType, name string) *stream {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no")
	client := newPaced(w)

	return &stream{Writer: bufio.NewWriterSize(client, 64<<10), client: client, flushed: time.Now()}
}

// written notes that one record is complete.
func (s *stream) written() error {
	if time.Since(s.flushed) < streamInterval {
		return nil
	}

	return s.end(nil)
}

// end sends what is in the buffer, unless there was an error.
func (s *stream) end(err error) error {
	if err == nil {
		err = s.Flush()
	}
	if err != nil {
		return err
	}
	s.flushed = time.Now()

	return s.client.flush()
}
