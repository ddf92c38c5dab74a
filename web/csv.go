package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"inlet/catalog"
)

// streamCSV sends every picture that matches, one a line.
func (s *Server) streamCSV(w http.ResponseWriter, r *http.Request, filter catalog.Filter) error {
	out := newStream(w, typeCSV+"; charset=utf-8", "images.csv")
	table, cols := csv.NewWriter(out), columns()
	line := make([]string, len(cols))
	for i, c := range cols {
		line[i] = c.name
	}
	if err := table.Write(line); err != nil {
		return err
	}

	err := s.each(r, filter, out, func(d *catalog.Document) error {
		for i, c := range cols {
			line[i] = c.cell(d)
		}
		return table.Write(line)
	})
	table.Flush()
	if err == nil {
		err = table.Error()
	}

	return out.end(err)
}

// column is one field of a document, or of a struct in it.
type column struct {
	name string // as in JSON, such as camera.name
	path []int  // of fields, from the document on
}

// columns has one for every name of the JSON form, in its order.
func columns() []column { return columnsOf(reflect.TypeFor[catalog.Document](), "") }

func columnsOf(t reflect.Type, prefix string, path ...int) (cols []column) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, omitted, _ := strings.Cut(field.Tag.Get("json"), ",")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		here := append(append([]int{}, path...), i)

		switch {
		case omitted != "": // the tags of a picture, which no list has
		case inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]():
			cols = append(cols, columnsOf(inner, prefix+name+".", here...)...)
		default:
			cols = append(cols, column{prefix + name, here})
		}
	}

	return cols
}

// cell writes the column's field of a document, "" where it is null.
func (c column) cell(d *catalog.Document) string {
	v := reflect.ValueOf(d).Elem()
	for _, i := range c.path {
		if v = v.Field(i); v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return ""
			}
			v = v.Elem()
		}
	}

	switch value := v.Interface().(type) {
	case string:
		if _, err := time.Parse("-07:00", value); err == nil && c.name == "captured_at_offset" {
			return value
		}
		return harmless(value)
	case []string:
		return harmless(strings.Join(value, ";"))
	case time.Time:
		return value.Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case []catalog.Near:
		pairs := make([]string, len(value))
		for i, n := range value {
			pairs[i] = fmt.Sprintf("%s:%d", n.ID, n.Distance)
		}
		return strings.Join(pairs, ";")
	case []catalog.Prediction:
		pairs := make([]string, len(value))
		for i, p := range value {
			pairs[i] = p.Label + ":" + strconv.FormatFloat(float64(p.Probability), 'f', 4, 32)
		}
		return harmless(strings.Join(pairs, ";"))
	default:
		return fmt.Sprint(value)
	}
}

// harmless keeps a spreadsheet from taking a text, or what follows a separator of
// cells in it, for a formula: strangers wrote what a file tells of its camera. Numbers
// need no such care.
func harmless(v string) string {
	var safe strings.Builder
	begins := true
	for i := range len(v) {
		if begins && strings.IndexByte("=+-@\t\r\n", v[i]) >= 0 {
			safe.WriteByte('\'')
		}
		safe.WriteByte(v[i])
		begins = strings.IndexByte(";,|\t\r\n", v[i]) >= 0
	}

	return safe.String()
}
