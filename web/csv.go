package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"

	"inlet/gallery"
)

// streamCSV sends every picture that matches, one a line.
func (s *Server) streamCSV(w http.ResponseWriter, r *http.Request, filter gallery.Filter) error {
	out := newStream(w, typeCSV+"; charset=utf-8", "images.csv")
	table := csv.NewWriter(out)
	if err := table.Write(columns()); err != nil {
		return err
	}
	err := s.Gallery.Stream(r.Context(), filter, func(d *gallery.Document) error {
		line, err := cells(d)
		if err != nil {
			return err
		}
		if err := table.Write(line); err != nil {
			return err
		}
		return out.sent()
	})
	table.Flush()
	if err == nil {
		err = table.Error()
	}
	return out.end(err)
}

// columns of the CSV form bear the names of the JSON form.
func columns() []string {
	return strings.Fields(`id sha256 format width height bytes uploaded_at uploads
		camera.name camera.make camera.model camera.lens captured_at captured_at_offset
		location.latitude location.longitude location.altitude
		exposure.iso exposure.f_number exposure.time_s exposure.focal_mm
		orientation software phash labels`)
}

// cells writes a picture's document as the line of a table.
func cells(d *gallery.Document) ([]string, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	names := columns()
	line := make([]string, len(names))
	for i, name := range names {
		line[i] = cell(doc, name)
	}
	return line, nil
}

func cell(doc map[string]any, name string) string {
	outer, inner, nested := strings.Cut(name, ".")
	switch v := doc[outer].(type) {
	case map[string]any:
		if nested {
			return cell(v, inner)
		}
	case json.Number:
		return v.String()
	case string:
		return harmless(v)
	case []any:
		texts := make([]string, len(v))
		for i, e := range v {
			texts[i], _ = e.(string)
		}
		return harmless(strings.Join(texts, ";"))
	}
	return ""
}

// harmless keeps a spreadsheet from taking text for a formula: what a camera's
// maker field says comes from strangers.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
