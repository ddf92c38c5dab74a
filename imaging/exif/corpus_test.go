package exif

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"inlet/imaging/isobmff"
)

// truth is what exiftool reads from a file; nil is absent.
type truth struct {
	Make, Model, Software *string
	Lens                  *string `json:"lens_model"`
	Date                  *string `json:"date_time_original"`
	Offset                *string `json:"offset_time_original"`
	Orientation, ISO      *float64
	FNumber               *float64 `json:"f_number"`
	Exposure              *float64 `json:"exposure_time"`
	Focal                 *float64 `json:"focal_length"`
	GPS                   *struct {
		Lat, Lon float64
		Alt      *float64
	}
}

type sample struct {
	File, Format, Expect string
	Truth                truth
}

// corpus reads the list of real files beside the repository, or skips.
func corpus(t *testing.T, name string) (dir string, samples []sample) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		folder := filepath.Join(dir, "shared", "corpus", name)
		b, err := os.ReadFile(filepath.Join(folder, "expected.json"))
		if err == nil {
			var expected struct{ Files []sample }
			if err := json.Unmarshal(b, &expected); err != nil {
				t.Fatal(err)
			}
			return folder, expected.Files
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("no corpus of photos on this machine")
		}
		dir = parent
	}
}

// format is the service's name of a corpus file's format, by its first bytes.
func format(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8")):
		return "jpeg"
	case bytes.HasPrefix(b, []byte("\x89PNG")):
		return "png"
	case bytes.HasPrefix(b, []byte("RIFF")):
		return "webp"
	case bytes.HasPrefix(b, []byte("II*\x00")), bytes.HasPrefix(b, []byte("MM\x00*")):
		return "tiff"
	case len(b) > 8 && string(b[4:8]) == "ftyp":
		return "heic"
	}
	return ""
}

// score counts fields.
type score struct{ fields, agree, said, saidAgree int }

// compare returns the fields in which m disagrees with want.
func compare(m Metadata, want truth, s *score) (wrong []string) {
	field := func(name string, said, agree bool) {
		s.fields++
		if said {
			s.said++
		}
		if !agree {
			wrong = append(wrong, name)
			return
		}
		s.agree++
		if said {
			s.saidAgree++
		}
	}
	str := func(name, got string, want *string) {
		if want == nil {
			field(name, false, got == "")
			return
		}
		field(name, true, got == strings.TrimSpace(*want))
	}
	num := func(name string, got, want *float64) {
		if want == nil {
			field(name, false, got == nil)
			return
		}
		field(name, true, got != nil && math.Abs(*got-*want) <= 1e-6*math.Abs(*want))
	}
	str("make", m.Make, want.Make)
	str("model", m.Model, want.Model)
	str("lens", m.Lens, want.Lens)
	str("software", m.Software, want.Software)
	date := ""
	if !m.CapturedAt.IsZero() {
		at := m.CapturedAt
		if east, ok := parseOffset(m.CapturedAtOffset); ok {
			at = at.Add(east)
		}
		date = at.Format("2006:01:02 15:04:05")
	}
	str("date", date, want.Date)
	str("offset", m.CapturedAtOffset, want.Offset)
	orientation, iso := (*float64)(nil), (*float64)(nil)
	if m.Orientation != 0 {
		orientation = new(float64(m.Orientation))
	}
	if m.ISO != nil {
		iso = new(float64(*m.ISO))
	}
	num("orientation", orientation, want.Orientation)
	num("iso", iso, want.ISO)
	num("f_number", m.FNumber, want.FNumber)
	num("exposure", m.ExposureTime, want.Exposure)
	num("focal", m.FocalLength, want.Focal)
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6 }
	switch g, l := want.GPS, m.Location; {
	case g == nil:
		field("gps", false, l == nil)
	case l == nil:
		field("gps", true, false)
	default:
		altitude := (g.Alt == nil) == (l.Altitude == nil) && (g.Alt == nil || math.Abs(*g.Alt-*l.Altitude) <= 1e-4)
		field("gps", true, near(g.Lat, l.Latitude) && near(g.Lon, l.Longitude) && altitude)
	}
	return wrong
}

// refused tells files whose metadata nobody asks for: no decoder reads them, or
// they are cut short, which of these formats the boxes tell.
func refused(s sample, b []byte) bool {
	_, err := isobmff.Parse(bytes.NewReader(b), int64(len(b)))
	return s.Expect == "reject" || format(b) == "heic" && err != nil
}

// TestCorpus holds metadata to exiftool's on real files that are taken.
func TestCorpus(t *testing.T) {
	t.Parallel()
	dir, samples := corpus(t, "photos")
	scores := map[string]*score{}
	for _, s := range samples {
		b, err := os.ReadFile(filepath.Join(dir, s.File))
		if err != nil {
			t.Fatal(err)
		}
		m := Read(bytes.NewReader(b), int64(len(b)), format(b))
		name := s.Format
		if refused(s, b) {
			name = "(refused)"
		}
		for _, n := range []string{name, "all"} {
			if scores[n] == nil {
				scores[n] = &score{}
			}
		}
		for _, field := range compare(m, s.Truth, scores[name]) {
			t.Logf("%s (%s, %q): %s differs", s.File, s.Expect, m.CameraName, field)
		}
		if !refused(s, b) {
			compare(m, s.Truth, scores["all"])
		}
	}
	for name, s := range scores {
		t.Logf("%-9s %4d of %4d fields agree (%.1f%%), %4d of the %4d that are there (%.1f%%)", name,
			s.agree, s.fields, 100*float64(s.agree)/float64(s.fields),
			s.saidAgree, s.said, 100*float64(s.saidAgree)/float64(max(s.said, 1)))
	}
	if all := scores["all"]; float64(all.agree) < 0.98*float64(all.fields) {
		t.Errorf("only %d of %d fields agree", all.agree, all.fields)
	}
}

// TestHostile holds crafted blocks to their truth and to 32 MB.
func TestHostile(t *testing.T) {
	dir, samples := corpus(t, "hostile")
	for _, s := range samples {
		b, err := os.ReadFile(filepath.Join(dir, s.File))
		if err != nil {
			t.Fatal(err)
		}
		var m Metadata
		allocated := allocatedBy(func() { m = Read(bytes.NewReader(b), int64(len(b)), "jpeg") })
		if allocated > 32<<20 {
			t.Errorf("%s: %d bytes allocated", s.File, allocated)
		}
		if wrong := compare(m, s.Truth, &score{}); len(wrong) > 0 {
			t.Errorf("%s: %v differ: %+v", s.File, wrong, m)
		}
		t.Logf("%s: %d bytes allocated, %v", s.File, allocated, m.Tags)
	}
}

func allocatedBy(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
