package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// corpus is the folder of camera files beside the repository.
const corpus = "../../../shared/corpus/photos"

// photo is a file of the corpus, with what exiftool says of it. The size is
// before any turning.
type photo struct {
	File, SHA256, Expect string
	Truth                struct {
		Make, Model, Software *string
		Lens                  *string `json:"lens_model"`
		Captured              *string `json:"date_time_original"`
		Offset                *string `json:"offset_time_original"`
		GPS                   *struct{ Lat, Lon float64 }
		Orientation, ISO      *float64
		FNumber               *float64 `json:"f_number"`
		Exposure              *float64 `json:"exposure_time"`
		Focal                 *float64 `json:"focal_length"`
		Width, Height         int
	}
}

func photos(t *testing.T) []photo {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(corpus, "expected.json"))
	if err != nil {
		t.Skip("no corpus beside the repository")
	}
	return decode[struct{ Files []photo }](t, list).Files
}

func (p photo) read(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, p.File))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// metadata is as much of the contract's document as the corpus speaks of.
type metadata struct {
	Width, Height int
	Camera        struct{ Make, Model, Lens *string }
	CapturedAt    *time.Time `json:"captured_at"`
	Offset        *string    `json:"captured_at_offset"`
	Location      *struct{ Latitude, Longitude float64 }
	Exposure      struct {
		ISO     *float64
		FNumber *float64 `json:"f_number"`
		Time    *float64 `json:"time_s"`
		Focal   *float64 `json:"focal_mm"`
	}
	Orientation *float64
	Software    *string
}

// The whole corpus, through the service: what is accepted, what comes back and
// what is said of it.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files := photos(t)
	r := start(t, t.TempDir(), "INLET_DEDUP=exact") // some are copies of others
	link := r.link(t)
	agree, fields := 0, 0
	for _, p := range files {
		status, answer := r.post(t, link, "application/octet-stream", p.read(t))
		accepted := status == http.StatusCreated || status == http.StatusOK
		if p.Expect == "accept" && !accepted || p.Expect == "reject" && accepted {
			t.Errorf("%s (%s): %d %s", p.File, p.Expect, status, answer)
		}
		if !accepted || p.Expect != "accept" {
			continue
		}
		id := decode[results](t, answer).Results[0].ID
		back := sha256.Sum256(r.ask(t, "GET", "/v1/images/"+id, nil, http.StatusOK))
		if hex.EncodeToString(back[:]) != p.SHA256 {
			t.Errorf("%s came back altered", p.File)
		}
		m := decode[metadata](t, r.ask(t, "GET", "/v1/images/"+id+"/metadata", nil, http.StatusOK))
		want := p.Truth
		if sorted(m.Width, m.Height) != sorted(want.Width, want.Height) {
			t.Errorf("%s: %d×%d, want %d×%d", p.File, m.Width, m.Height, want.Width, want.Height)
		}
		for name, ok := range map[string]bool{
			"make": text(m.Camera.Make) == text(want.Make), "model": text(m.Camera.Model) == text(want.Model),
			"lens": text(m.Camera.Lens) == text(want.Lens), "software": text(m.Software) == text(want.Software),
			"date": clock(m) == text(want.Captured), "offset": text(m.Offset) == text(want.Offset),
			"orientation": near(m.Orientation, want.Orientation), "iso": near(m.Exposure.ISO, want.ISO),
			"f_number": near(m.Exposure.FNumber, want.FNumber), "exposure": near(m.Exposure.Time, want.Exposure),
			"focal": near(m.Exposure.Focal, want.Focal), "place": samePlace(p, m),
		} {
			fields++
			if ok {
				agree++
			} else {
				t.Logf("%s: %s differs", p.File, name)
			}
		}
	}
	t.Logf("%d of %d fields agree", agree, fields)
	if agree*100 < fields*98 {
		t.Errorf("only %d of %d fields agree", agree, fields)
	}
}

func sorted(w, h int) [2]int { return [2]int{min(w, h), max(w, h)} }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(*s)
}

// clock is the time as the camera's clock showed it.
func clock(m metadata) string {
	if m.CapturedAt == nil {
		return ""
	}
	at := *m.CapturedAt
	if zone, err := time.Parse("-07:00", text(m.Offset)); err == nil {
		at = at.In(zone.Location())
	}
	return at.Format("2006:01:02 15:04:05")
}

func near(got, want *float64) bool {
	if got == nil || want == nil {
		return got == want
	}
	return math.Abs(*got-*want) <= 1e-6*max(1, math.Abs(*want))
}

func samePlace(p photo, m metadata) bool {
	g, l := p.Truth.GPS, m.Location
	if g == nil || l == nil {
		return g == nil && l == nil
	}
	return math.Abs(g.Lat-l.Latitude) < 1e-5 && math.Abs(g.Lon-l.Longitude) < 1e-5
}

// post sends a body through a link.
func (r *running) post(t *testing.T, link, contentType string, body []byte) (int, []byte) {
	t.Helper()
	res, err := http.Post(r.base+link, contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}

// Twenty clients send the same fifty files at once: each picture is kept once,
// and the statistics are what Postgres says.
func TestTwentyClients(t *testing.T) {
	t.Parallel()
	const clients, files = 20, 50
	r := start(t, t.TempDir())
	link := r.link(t)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := range files {
		part, err := form.CreateFormFile("file", fmt.Sprintf("%d.png", i))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(part, noise(20+i, 30)); err != nil {
			t.Fatal(err)
		}
	}
	form.Close()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			status, answer := r.post(t, link, form.FormDataContentType(), body.Bytes())
			if n := bytes.Count(answer, []byte(`"status":"rejected"`)); status >= 300 || n > 0 {
				t.Errorf("%d, %d refused: %.300s", status, n, answer)
			}
		})
	}
	wg.Wait()
	want := [5]int{files, clients * files, files, (clients - 1) * files, 0}
	eventually(t, "true statistics", func() bool {
		doc := decode[struct {
			Images  struct{ Stored int }
			Uploads struct{ Accepted, Stored, Duplicates, Rejected int }
		}](t, r.ask(t, "GET", "/v1/stats", nil, http.StatusOK))
		u := doc.Uploads
		return [5]int{doc.Images.Stored, u.Accepted, u.Stored, u.Duplicates, u.Rejected} == want
	})
	var got [5]int
	err := r.database(t).QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM images), count(*), count(*) FILTER (WHERE status = 'stored'),
			count(*) FILTER (WHERE status = 'duplicate'), (SELECT coalesce(sum(files), 0) FROM rejections) FROM uploads`).
		Scan(&got[0], &got[1], &got[2], &got[3], &got[4])
	if err != nil || got != want {
		t.Errorf("Postgres has %v, want %v: %v", got, want, err)
	}
}

// database is a connection to the service's private one.
func (r *running) database(t *testing.T) *pgx.Conn {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(r.Dir, "inlet-data", "running.json"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), decode[stores](t, doc).DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.Uint32()) | 255*uint8(i%4/3) // opaque
	}
	return m
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// A large picture that thirty clients send at once costs no more memory than a
// small one. It writes 2 GB: `make heavy` runs it.
func TestMemoryOfThirtyLargeFiles(t *testing.T) {
	if os.Getenv("INLET_HEAVY") == "" {
		t.Skip("INLET_HEAVY is not set")
	}
	r := start(t, t.TempDir())
	link := r.link(t)
	var large bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&large, noise(4470, 4470)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var statuses []int
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			status, _ := r.post(t, link, "image/png", large.Bytes())
			mu.Lock()
			defer mu.Unlock()
			statuses = append(statuses, status)
		})
	}
	wg.Wait()
	slices.Sort(statuses)
	if !slices.Equal(slices.Compact(statuses), []int{http.StatusOK, http.StatusCreated}) {
		t.Errorf("answers: %v", statuses)
	}
	doc, err := os.ReadFile("/proc/" + strconv.Itoa(r.Process.Pid) + "/status")
	if err != nil {
		t.Skip(err)
	}
	kB, err := strconv.Atoi(string(peak.FindSubmatch(doc)[1]))
	t.Logf("%d MB sent 30 times: at most %d MB resident", large.Len()>>20, kB>>10)
	if err != nil || kB > 300<<10 {
		t.Errorf("%d kB resident, %v", kB, err)
	}
}
