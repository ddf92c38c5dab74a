package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"inlet/catalog"
)

// streamCSV sends every picture that matches, one a line.
func (s *Server) streamCSV(w http.ResponseWriter, r *http.Request, filter catalog.Filter) error {
	out := newStream(w, typeCSV+"; charset=utf-8", "images.csv")
	table := csv.NewWriter(out)
	cols := columns()
	line := make([]string, len(cols))
	for i, c := range cols {
		line[i] = c.name
	}
	if err := table.Write(line); err != nil {
		return err
	}
	err := s.Catalog.Stream(r.Context(), filter, func(d *catalog.Document) error {
		for i, c := range cols {
			line[i] = c.cell(d)
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

// column of the table. It bears the JSON form's name.
type column struct {
	name string
	cell func(d *catalog.Document) string
}

// columns has one for every name of the JSON form, in its order.
func columns() []column {
	type doc = catalog.Document
	return []column{
		{"id", func(d *doc) string { return d.ID.String() }},
		{"sha256", func(d *doc) string { return d.SHA256 }},
		{"format", func(d *doc) string { return string(d.Format) }},
		{"width", func(d *doc) string { return strconv.Itoa(d.Width) }},
		{"height", func(d *doc) string { return strconv.Itoa(d.Height) }},
		{"bytes", func(d *doc) string { return strconv.FormatInt(d.Bytes, 10) }},
		{"uploaded_at", func(d *doc) string { return moment(&d.UploadedAt) }},
		{"uploads", func(d *doc) string { return strconv.FormatInt(d.Uploads, 10) }},
		{"camera.name", func(d *doc) string { return text(d.Camera.Name) }},
		{"camera.make", func(d *doc) string { return text(d.Camera.Make) }},
		{"camera.model", func(d *doc) string { return text(d.Camera.Model) }},
		{"camera.lens", func(d *doc) string { return text(d.Camera.Lens) }},
		{"captured_at", func(d *doc) string { return moment(d.CapturedAt) }},
		{"captured_at_offset", func(d *doc) string { return offset(d.CapturedAtOffset) }},
		{"location.latitude", func(d *doc) string { return place(d, func(l *catalog.Location) *float64 { return &l.Latitude }) }},
		{"location.longitude", func(d *doc) string { return place(d, func(l *catalog.Location) *float64 { return &l.Longitude }) }},
		{"location.altitude", func(d *doc) string { return place(d, func(l *catalog.Location) *float64 { return l.Altitude }) }},
		{"exposure.iso", func(d *doc) string { return whole(d.Exposure.ISO) }},
		{"exposure.f_number", func(d *doc) string { return number(d.Exposure.FNumber) }},
		{"exposure.time_s", func(d *doc) string { return number(d.Exposure.TimeS) }},
		{"exposure.focal_mm", func(d *doc) string { return number(d.Exposure.FocalMM) }},
		{"orientation", func(d *doc) string { return whole(d.Orientation) }},
		{"software", func(d *doc) string { return text(d.Software) }},
		{"labels", func(d *doc) string { return harmless(strings.Join(d.Labels, ";")) }},
		{"phash", func(d *doc) string { return text(d.PHash) }},
		{"near", near},
		{"quality.flags", flags},
		// Of these nothing is known yet.
		{"predictions", func(*doc) string { return "" }},
	}
}

// near is the list as id:distance;id:distance.
func near(d *catalog.Document) string {
	pairs := make([]string, len(d.Near))
	for i, n := range d.Near {
		pairs[i] = fmt.Sprintf("%s:%d", n.ID, n.Distance)
	}
	return strings.Join(pairs, ";")
}

func flags(d *catalog.Document) string {
	if d.Quality == nil {
		return ""
	}
	return strings.Join(d.Quality.Flags, ";")
}

func text(v *string) string {
	if v == nil {
		return ""
	}
	return harmless(*v)
}

// harmless keeps a spreadsheet from taking a text for a formula: what a file
// says of its camera comes from strangers. Numbers are left as they are.
func harmless(v string) string {
	if v != "" && strings.IndexByte("=+-@\t\r\n", v[0]) >= 0 {
		return "'" + v
	}
	return v
}

func whole(v *int) string {
	if v == nil {
		return ""
	}
	return strconv.Itoa(*v)
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func moment(v *time.Time) string {
	if v == nil {
		return ""
	}
	return v.Format(time.RFC3339Nano)
}

// offset may begin with a sign: it is a time, not a text.
func offset(v *string) string {
	if v == nil {
		return ""
	}
	if _, err := time.Parse("-07:00", *v); err != nil {
		return harmless(*v)
	}
	return *v
}

func place(d *catalog.Document, part func(*catalog.Location) *float64) string {
	if d.Location == nil {
		return ""
	}
	return number(part(d.Location))
}
