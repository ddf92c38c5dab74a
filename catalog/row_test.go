package catalog_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db"
	"inlet/imaging"
	"inlet/imaging/exif"
	"inlet/imaging/fingerprint"
)

// fields says where each field of a Picture goes: to a column of images, and to a
// member of the Document. A dash: to none.
var fields = []struct{ field, column, member string }{
	{"ID", "id", "id"},
	{"Scope", "scope", "-"},
	{"SHA256", "sha256", "sha256"},
	{"Bytes", "bytes", "bytes"},
	{"UploadedAt", "uploaded_at", "uploaded_at"},
	{"Info.Format", "format", "format"},
	{"Info.Width", "width", "width"},
	{"Info.Height", "height", "height"},
	{"Info.Frames", "frames", "-"},
	{"Info.Duration", "duration_ms", "-"},
	{"Info.Payload", "payload", "-"},
	{"Info.Meta.CameraName", "camera", "camera.name"},
	{"Info.Meta.Make", "make", "camera.make"},
	{"Info.Meta.Model", "model", "camera.model"},
	{"Info.Meta.Lens", "lens", "camera.lens"},
	{"Info.Meta.Software", "software", "software"},
	{"Info.Meta.CapturedAt", "captured_at", "captured_at"},
	{"Info.Meta.CapturedAtOffset", "captured_at_offset", "captured_at_offset"},
	{"Info.Meta.Location.Latitude", "latitude", "location.latitude"},
	{"Info.Meta.Location.Longitude", "longitude", "location.longitude"},
	{"Info.Meta.Location.Altitude", "altitude", "location.altitude"},
	{"Info.Meta.ISO", "iso", "exposure.iso"},
	{"Info.Meta.FNumber", "f_number", "exposure.f_number"},
	{"Info.Meta.ExposureTime", "exposure_time", "exposure.time_s"},
	{"Info.Meta.FocalLength", "focal_length", "exposure.focal_mm"},
	{"Info.Meta.Orientation", "orientation", "orientation"},
	{"Info.Meta.Tags", "exif", "exif"},
	{"Info.Fingerprint.Hash", "phash", "phash"},
	// Package upload/match has these.
	{"Info.Fingerprint.Width", "-", "-"},
	{"Info.Fingerprint.Height", "-", "-"},
	{"Info.Probes", "-", "-"},
	{"Info.Quality.Sharpness", "sharpness", "quality.sharpness"},
	{"Info.Quality.Exposure", "exposure", "quality.exposure"},
	{"Info.Quality.Contrast", "contrast", "quality.contrast"},
	{"Info.Quality.Clipped", "clipped", "quality.clipped"},
	{"Info.Quality.Colourfulness", "colourfulness", "-"},
	{"Info.Quality.Flat", "flat", "-"},
	{"Info.Quality.Kind", "kind", "quality.kind"},
	{"Info.Quality.Flags", "flags", "quality.flags"},
	// Whether there are numbers; imaging.Info.Clean makes flags of the others.
	{"Info.Quality.Measured", "-", "-"},
	{"Info.Meta.TimeSuspect", "-", "-"},
	{"Info.Meta.PlaceSuspect", "-", "-"},
	// Others write these later.
	{"-", "-", "uploads"},
	{"-", "-", "labels"},
	{"-", "-", "near"},
	{"-", "-", "predictions"},
}

// fill gives every field of v, which is a Picture or a part of one, a value of its
// own, and notes it by its path.
func fill(v reflect.Value, path string, values map[string]string) {
	n := 1 + len(values)
	switch value := v.Addr().Interface().(type) {
	case *time.Time:
		*value = noon.Add(time.Duration(n) * time.Second)
	case *time.Duration:
		*value = time.Duration(n) * time.Second
	case *uuid.UUID:
		*value = uuid.Must(uuid.NewV7())
	case *fingerprint.Hash:
		*value = fingerprint.Hash{0xff00_0000_0000_0000 + uint64(n), 1, 2, 3}
	case *map[string]any:
		*value = map[string]any{"Note": fmt.Sprint("note ", n)}
	default:
		fillKind(v, path, n, values)
		return
	}
	values[path] = plain(v.Interface())
}

func fillKind(v reflect.Value, path string, n int, values map[string]string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path, values)
		return
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), strings.TrimPrefix(path+"."+f.Name, "."), values)
			}
		}
		return
	case reflect.String:
		v.SetString(fmt.Sprint("text ", n))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(n) + 0.5)
	case reflect.Array:
		v.Set(reflect.ValueOf([32]byte{byte(n)}))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), path+"[0]", map[string]string{})
	default:
		panic("fill " + path + " with what? " + v.Kind().String())
	}
	values[path] = plain(v.Interface())
}

// plain writes a value as it is compared, whether it comes from a Picture, a row
// or a Document.
func plain(value any) string {
	switch v := value.(type) {
	case [32]byte:
		return hex.EncodeToString(v[:])
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return strconv.FormatInt(v.Milliseconds(), 10)
	case fingerprint.Hash:
		return fmt.Sprintf("%016x", v[0])
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return plain(at)
		}
		return strings.TrimPrefix(v, `\x`)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}

	return strings.Trim(string(text), `"`)
}

// members reads JSON's members by their paths; exif is one.
func members(t *testing.T, text []byte) map[string]string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all map[string]any
	must(t, d.Decode(&all))
	found := map[string]string{}
	var walk func(prefix string, value any)
	walk = func(prefix string, value any) {
		inner, ok := value.(map[string]any)
		if !ok || prefix == "exif" {
			found[prefix] = plain(value)
			return
		}
		for name, value := range inner {
			walk(strings.TrimPrefix(prefix+"."+name, "."), value)
		}
	}
	walk("", all)

	return found
}

// columns reads a row as a statement selects it.
func (h *harness) columns(table, where string, args ...any) map[string]string {
	h.t.Helper()
	var text []byte
	must(h.t, h.Pool.QueryRow(h.t.Context(), `SELECT to_jsonb(r) FROM `+table+` r WHERE `+where, args...).Scan(&text))
	found := members(h.t.(*testing.T), text)
	if n, err := strconv.ParseInt(found["phash"], 10, 64); err == nil {
		found["phash"] = fmt.Sprintf("%016x", uint64(n))
	}

	return found
}

func (h *harness) queue(add func(*pgx.Batch)) error {
	var batch pgx.Batch
	add(&batch)

	return h.Pool.SendBatch(h.t.Context(), &batch).Close()
}

// filled is a Picture with a value in every field, and the values.
func filled() (catalog.Picture, map[string]string) {
	var p catalog.Picture
	values := map[string]string{}
	fill(reflect.ValueOf(&p).Elem(), "", values)

	return p, values
}

// Every field of a Picture comes back: from the table, and in the Document. Who
// adds a field, a column or a member has to say in fields where it goes.
func TestPictureComesBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	p, given := filled()
	must(t, h.queue(func(b *pgx.Batch) { h.QueuePicture(b, p) }))
	doc, err := h.Metadata(t.Context(), p.ID)
	must(t, err)
	text, err := json.Marshal(doc)
	must(t, err)
	row, document := h.columns("images", "id = $1", p.ID), members(t, text)

	var inField, inColumn, inMember []string
	for _, f := range fields {
		inField, inColumn, inMember = append(inField, f.field), append(inColumn, f.column), append(inMember, f.member)
		if f.field == "-" {
			continue
		}
		if got, want := row[f.column], given[f.field]; f.column != "-" && got != want {
			t.Errorf("%s: the column %s is %s, want %s", f.field, f.column, got, want)
		}
		if got, want := document[f.member], given[f.field]; f.member != "-" && got != want {
			t.Errorf("%s: the document's %s is %s, want %s", f.field, f.member, got, want)
		}
	}
	sameNames(t, "Picture", slices.Collect(maps.Keys(given)), inField)
	sameNames(t, "images", slices.Collect(maps.Keys(row)), inColumn)
	sameNames(t, "Document", slices.Collect(maps.Keys(document)), inMember)

	images, _, _ := h.Columns()
	sameNames(t, "images by Rows", images, inColumn)

	if err := h.queue(func(b *pgx.Batch) { h.QueuePicture(b, p) }); !errors.Is(err, catalog.ErrRaced) {
		t.Errorf("stored again: %v", err)
	}
}

// sameNames compares names with those of fields.
func sameNames(t *testing.T, what string, got, want []string) {
	t.Helper()
	want = slices.DeleteFunc(slices.Clone(want), func(name string) bool { return name == "-" })
	got = slices.Clone(got)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q\nfields has %q", what, got, want)
	}
}

// A picture of which nothing is known has NULL for it, and no empty values.
func TestBarePictureComesBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	p, _ := filled()
	p.Info.Meta, p.Info.Payload, p.Info.Fingerprint, p.Info.Quality = exif.Metadata{}, nil, nil, imaging.Quality{}
	must(t, h.queue(func(b *pgx.Batch) { h.QueuePicture(b, p) }))
	row := h.columns("images", "id = $1", p.ID)
	for _, f := range fields {
		want := "null"
		switch {
		case f.column == "exif":
			want = "{}"
		case f.column == "flags":
			want = "[]"
		case strings.HasPrefix(f.field, "Info.Quality.") && f.column != "-":
		case f.column == "-" || f.column != "payload" && f.column != "phash" && !strings.HasPrefix(f.field, "Info.Meta."):
			continue
		}
		if got := row[f.column]; got != want {
			t.Errorf("%s is %s, want %s", f.column, got, want)
		}
	}
}

// Enrich fills all that a bare picture lacks.
func TestEnrichFillsEveryColumn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	bare := h.addRow("bare", nil)
	p, given := filled()
	must(t, pgx.BeginFunc(t.Context(), h.Pool, func(tx pgx.Tx) error {
		camera, err := h.Enrich(t.Context(), tx, bare, p.Info, catalog.MatchPayload)
		if camera != p.Info.Meta.CameraName {
			t.Errorf("the camera is now %q", camera)
		}
		return err
	}))
	row := h.columns("images", "id = $1", bare)
	var described []string
	for _, f := range fields {
		if strings.HasPrefix(f.field, "Info.Meta.") && f.column != "-" {
			described = append(described, f.column)
			if got, want := row[f.column], given[f.field]; got != want {
				t.Errorf("%s is %s, want %s", f.column, got, want)
			}
		}
	}
	_, _, columns := h.Columns()
	sameNames(t, "what describes a picture", columns, described)
}

// What the look-ups return of a stored picture is all of Stored.
func TestStoredComesBack(t *testing.T) {
	t.Parallel()
	if want := db.RowsOf[catalog.Stored]("images").List("i."); catalog.StoredColumns != want {
		t.Errorf("StoredColumns are %s\nwant %s", catalog.StoredColumns, want)
	}
	h := newHarness(t)
	p, _ := filled()
	must(t, h.queue(func(b *pgx.Batch) { h.QueuePicture(b, p) }))
	alias := [32]byte{1, 2, 3}
	distance := 7
	must(t, h.queue(func(b *pgx.Batch) {
		catalog.QueueAlias(b, catalog.Alias{Scope: p.Scope, SHA256: alias, ImageID: p.ID, Match: catalog.MatchPerceptual, Distance: &distance})
	}))
	want := catalog.Matched{Match: catalog.MatchExact, Stored: catalog.Stored{
		ID: p.ID, SHA256: p.SHA256[:], Format: p.Info.Format, Width: p.Info.Width, Height: p.Info.Height, Frames: p.Info.Frames,
		DurationMS: p.Info.Duration.Milliseconds(), Bytes: p.Bytes, UploadedAt: p.UploadedAt,
	}}
	for i := range reflect.TypeFor[catalog.Stored]().NumField() {
		if reflect.ValueOf(want.Stored).Field(i).IsZero() {
			t.Errorf("the test knows nothing of %s", reflect.TypeFor[catalog.Stored]().Field(i).Name)
		}
	}
	check := func(what string, got *catalog.Matched, want catalog.Matched) {
		t.Helper()
		if got == nil {
			t.Errorf("%s: nothing", what)
			return
		}
		got.UploadedAt = got.UploadedAt.UTC()
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v\nwant %+v", what, *got, want)
		}
	}

	byPayload := func(sum [32]byte) (found *catalog.Matched) {
		must(t, h.queue(func(b *pgx.Batch) {
			catalog.QueueFindPayload(b, p.Scope, *p.Info.Payload, sum, func(m *catalog.Matched) { found = m })
		}))
		return found
	}
	got, err := h.FindBytes(t.Context(), p.Scope, p.SHA256)
	must(t, err)
	check("its bytes", got, want)
	check("its payload and bytes", byPayload(p.SHA256), want)
	want.Match = catalog.MatchPayload
	check("its payload", byPayload(alias), want)
	want.Match, want.Distance = catalog.MatchPerceptual, &distance
	got, err = h.FindBytes(t.Context(), p.Scope, alias)
	must(t, err)
	check("an alias", got, want)

	if got, err := h.FindBytes(t.Context(), "another scope", p.SHA256); got != nil || err != nil {
		t.Errorf("another scope: %+v, %v", got, err)
	}
}

// Every field of an Upload is in its row.
func TestUploadComesBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.addRow("picture", nil)
	match, distance := catalog.MatchPerceptual, 7
	u := catalog.Upload{
		UploadedAt: noon.Add(time.Hour), ImageID: id, LinkID: "b", Status: "duplicate", Match: &match, Distance: &distance,
		Bytes: 12, Filename: "a.png", Client: []byte{1, 2},
	}
	must(t, h.queue(func(b *pgx.Batch) { h.QueueUpload(b, u) }))
	row := h.columns("uploads", "link_id = 'b'")
	delete(row, "id") // Postgres gives it
	want := map[string]string{
		"uploaded_at": "2026-03-10T13:00:00Z", "image_id": id.String(), "link_id": "b", "status": "duplicate", "match": "perceptual",
		"distance": "7", "bytes": "12", "filename": "a.png", "client": "0102",
	}
	if !maps.Equal(row, want) {
		t.Errorf("got %v\nwant %v", row, want)
	}
	_, columns, _ := h.Columns()
	sameNames(t, "uploads by Rows", columns, slices.Collect(maps.Keys(want)))
}

// BenchmarkInsert queues a picture by its struct, and by a list of arguments
// written by hand.
func BenchmarkInsert(b *testing.B) {
	p, _ := filled()
	s := catalog.New(catalog.Options{})
	b.Run("struct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var batch pgx.Batch
			s.QueuePicture(&batch, p)
		}
	})
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var batch pgx.Batch
			m := &p.Info.Meta
			phash := int64(p.Info.Fingerprint.Hash[0])
			db.QueueRequired(&batch, catalog.ErrRaced, "INSERT",
				p.ID, p.Scope, p.SHA256[:], p.Info.Payload[:], p.Info.Format, p.Info.Width, p.Info.Height, p.Info.Frames,
				p.Info.Duration.Milliseconds(), p.Bytes, p.UploadedAt, &phash, []string{}, &m.CameraName, &m.Make, &m.Model, &m.Lens,
				&m.Software, &m.CapturedAt, &m.CapturedAtOffset, &m.Location.Latitude, &m.Location.Longitude, m.Location.Altitude,
				m.ISO, m.FNumber, m.ExposureTime, m.FocalLength, &m.Orientation, m.Tags)
		}
	})
}
