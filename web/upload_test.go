package web

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"inlet/web/intake"
)

// TestOneRefusedSpoilsNothing sends good and bad files together.
func TestOneRefusedSpoilsNothing(t *testing.T) {
	t.Parallel()
	large := append(pngOf(9), make([]byte, testMaxBytes)...)
	for _, test := range []struct {
		name   string
		files  []testFile
		status int
		want   string
	}{
		{"stored", []testFile{{"a.png", pngOf(1)}, {"b.jpg", jpegOf(1)}, {"c.gif", gifOf(1)}}, 201, "stored stored stored"},
		{"text between", []testFile{{"a.png", pngOf(1)}, {"b.jpg", []byte("text")}, {"c.gif", gifOf(1)}}, 201, "stored unsupported-format stored"},
		{"too large first", []testFile{{"a.png", large}, {"b.png", pngOf(1)}}, 201, "too-large stored"},
		{"empty", []testFile{{"a.png", nil}, {"b.png", pngOf(1)}}, 201, "undecodable stored"},
		{"truncated", []testFile{{"a.png", pngOf(1)[:50]}, {"b.jpg", jpegOf(1)[:300]}, {"c.gif", gifOf(2)}}, 201, "undecodable undecodable stored"},
		{"bomb", []testFile{{"a.png", bomb()}, {"b.png", pngOf(1)}}, 201, "too-many-pixels stored"},
		{"the same twice", []testFile{{"a.png", pngOf(1)}, {"b.png", pngOf(1)}}, 201, "stored duplicate:exact"},
		{"none good", []testFile{{"a.svg", []byte("<svg/>")}, {"b.png", nil}, {"c.png", large}}, 415, "unsupported-format undecodable too-large"},
		{"none good, other order", []testFile{{"b.png", nil}, {"a.svg", []byte("<svg/>")}}, 422, "undecodable unsupported-format"},
		{"too many", []testFile{
			{"1.png", pngOf(1)}, {"2", []byte("x")}, {"3.png", pngOf(3)}, {"4.png", pngOf(4)}, {"5.png", pngOf(5)}, {"6.png", pngOf(6)}, {"7\x00.png", pngOf(7)},
		}, 201, "stored unsupported-format stored stored stored too-many-files too-many-files"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newTestServer(t)
			l := s.makeLink("")
			a := s.post(l.URL, test.files...)
			if got := a.outcome(t); a.StatusCode != test.status || got != test.want {
				t.Errorf("%d %s, want %d %s", a.StatusCode, got, test.status, test.want)
			}
			for i, e := range a.results(t) {
				if want := strings.ReplaceAll(test.files[i].name, "\x00", ""); e.Filename != want {
					t.Errorf("entry %d is of %q, want %q", i, e.Filename, want)
				}
			}
			stored := strings.Count(test.want, "stored")
			s.wantKept(stored)
			if again := s.post(l.URL, test.files...); stored > 0 && again.StatusCode != http.StatusOK {
				t.Errorf("sent again: %d %s", again.StatusCode, again.body)
			}
			s.wantKept(stored)
			refused := len(test.files) - stored - strings.Count(test.want, "duplicate")
			if got := s.count(`SELECT coalesce(sum(files), 0) FROM rejections`); got != 2*refused {
				t.Errorf("%d refused files were counted, want %d", got, 2*refused)
			}
		})
	}
}

// TestManyTooMany: the answer does not grow without end.
func TestManyTooMany(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	files := []testFile{{"a.png", pngOf(1)}}
	for range testMaxFiles + 2*intake.MaxExcess {
		files = append(files, testFile{"x.png", nil})
	}
	a := s.post(s.makeLink("").URL, files...)
	if results := a.results(t); a.StatusCode != http.StatusCreated || len(results) != testMaxFiles+intake.MaxExcess {
		t.Errorf("%d with %d results", a.StatusCode, len(results))
	}
}

// TestNames: a name is shown clean and never loses a file.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	names := map[string]string{
		"../../etc/passwd":     "passwd",
		`..\..\boot.ini`:       "boot.ini",
		"nul\x00byte.png":      "nulbyte.png",
		"line\r\nbreak.png":    "line break.png",
		"line\nbreak: x.png":   "line",
		"tab\tand\x1besc.png":  "tabandesc.png",
		"latin\xe4.png":        "latin.png",
		"größe 😀.png":          "größe 😀.png",
		"quo%22te;semi.png":    "quo%22te;semi.png",
		"..":                   "..",
		"/":                    "",
		long(10_000) + ".png":  long(255),
		"\u202egnp.exe":        "gnp.exe",
		"<script>.png":         "<script>.png",
		"name'); DROP TABLE--": "name'); DROP TABLE--",
	}
	seed := 0
	for name, want := range names {
		seed++
		a := s.post(l.URL, testFile{"before.png", pngOf(2 * seed)}, testFile{name, jpegOf(seed)}, testFile{"after.png", pngOf(2*seed + 1)})
		results := a.results(t)
		if got := a.outcome(t); got != "stored stored stored" || results[0].Filename != "before.png" || results[2].Filename != "after.png" {
			t.Errorf("%.30q: %d %s", name, a.StatusCode, a.body)
			continue
		}
		if got := results[1].Filename; got != want {
			t.Errorf("%.30q is shown as %.30q, want %.30q", name, got, want)
		}
		if got := s.postRaw(l.URL, name, gifOf(seed)); got.outcome(t) != "stored" {
			t.Errorf("%.30q as a raw body: %d %s", name, got.StatusCode, got.body)
		}
	}
	s.wantKept(4 * len(names))
}

// TestPartsWithoutFilename are skipped, wherever they stand.
func TestPartsWithoutFilename(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	body := fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=album\r\n\r\nholiday\r\n"+
		"--b\r\nno header field\r\n\r\n\r\n"+
		"--b\r\ncontent-disposition: form-data; name=any; filename=a.png\r\n\r\n%s\r\n"+
		"--b\r\nContent-Disposition: form-data; name=file; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n"+
		"--b--\r\nepilogue", pngOf(1))
	a := s.send("POST", s.makeLink("").URL, strings.NewReader(body), "Content-Type", "multipart/form-data; boundary=b")
	if got := a.outcome(t); a.StatusCode != http.StatusCreated || got != "stored" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	s.wantKept(1)
}

// TestBrokenOff: what was accepted before a body breaks off is told.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	full, contentType := form(testFile{"a.png", pngOf(1)}, testFile{"b.png", pngOf(2)})
	second := bytes.Index(full.Bytes(), []byte(`filename="b.png"`))
	for cut, want := range map[int]string{
		full.Len() - 8:  "stored bad-request", // in the last boundary
		second + 60:     "stored bad-request", // in the second file
		second + 3:      "stored bad-request", // in its header
		second - 60:     "bad-request",        // in the boundary before it
		second - 200:    "bad-request",        // in the first file
		30:              "",                   // in the first boundary
		full.Len() - 70: "stored bad-request",
	} {
		s := newTestServer(t)
		l := s.makeLink("")
		conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
		must(t, err)
		defer conn.Close()
		fmt.Fprintf(conn, "POST /u/%s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", l.Token, contentType, full.Len())
		_, err = conn.Write(full.Bytes()[:cut])
		must(t, err)
		must(t, conn.(*net.TCPConn).CloseWrite())
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		content, err := io.ReadAll(response.Body)
		must(t, err)
		a := answer{response, content}
		if want == "" {
			if a.code() != "bad-request" {
				t.Errorf("cut at %d: %d %s", cut, a.StatusCode, a.body)
			}
			continue
		}
		if got := a.outcome(t); got != want || (a.StatusCode == http.StatusCreated) != strings.HasPrefix(want, "stored") {
			t.Errorf("cut at %d: %d %s, want %s", cut, a.StatusCode, a.body, want)
		}
		s.wantKept(strings.Count(want, "stored"))
	}
}

// TestLimitsAreExact: twenty clients at once cannot get past a link's limits, and
// what is left is told.
func TestLimitsAreExact(t *testing.T) {
	t.Parallel()
	size := int64(len(pngOf(1)))
	for spec, want := range map[string]int64{
		`{"expires_in":"1h","max_files":7}`:                              7,
		fmt.Sprintf(`{"expires_in":"1h","max_bytes":%d}`, 9*size+size/2): 9,
	} {
		s := newTestServer(t)
		l := s.makeLink(spec)
		var accepted, exhausted atomic.Int64
		var wg sync.WaitGroup
		for client := range 20 {
			wg.Go(func() {
				a := s.post(l.URL, testFile{"a.png", pngOf(1 + 2*client)}, testFile{"b.png", pngOf(2 + 2*client)})
				for _, e := range a.results(t) {
					switch {
					case e.Status == "stored" && e.Bytes == size:
						accepted.Add(1)
					case e.Error != nil && e.Error.Code == "link-exhausted":
						exhausted.Add(1)
					default:
						t.Errorf("unexpected: %+v", e)
					}
				}
			})
		}
		wg.Wait()
		if accepted.Load() != want || exhausted.Load() != 40-want {
			t.Errorf("%s: %d accepted, %d exhausted", spec, accepted.Load(), exhausted.Load())
		}
		if rows, left := s.count(`SELECT count(*) FROM images`), s.files("staging"); rows != int(want) || len(left) > 0 {
			t.Errorf("%s: %d pictures are stored, left in staging: %v", spec, rows, left)
		}
		var state linkState
		s.send("GET", l.URL, nil, "Accept", typeJSON).json(t, &state)
		switch {
		case l.MaxFiles != nil && (state.FilesLeft == nil || *state.FilesLeft != 0 || state.BytesLeft != nil):
			t.Errorf("%+v", state)
		case l.MaxBytes != nil && (state.BytesLeft == nil || *state.BytesLeft != size/2 || state.FilesLeft != nil):
			t.Errorf("%+v", state)
		}
	}
}

// TestSamePicturesAtOnce: the statistics are exact however many send the same.
func TestSamePicturesAtOnce(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	var stored, duplicates atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a := s.post(l.URL, testFile{"1", pngOf(1)}, testFile{"2", jpegOf(2)}, testFile{"3", gifOf(3)}, testFile{"4", pngOf(4)}, testFile{"5", []byte("x")})
			stored.Add(int64(strings.Count(a.outcome(t), "stored")))
			duplicates.Add(int64(strings.Count(a.outcome(t), "duplicate:")))
		})
	}
	wg.Wait()
	if stored.Load() != 4 || duplicates.Load() != 76 {
		t.Errorf("%d stored, %d duplicates", stored.Load(), duplicates.Load())
	}
	s.wantKept(4)
	type counts struct{ Accepted, Stored, Duplicates, Rejected int }
	var got struct{ Uploads counts }
	await(t, "the statistics are right", func() bool {
		s.operator("GET", "/v1/stats", "").json(t, &got)
		return got.Uploads == counts{80, 4, 76, 20}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink(`{"expires_in":"1h","max_files":2}`)
	results := s.post(l.URL, testFile{"a.png", pngOf(1)}, testFile{"b.png", pngOf(2)}).results(t)
	sum := func(seed int) string {
		sum := sha256.Sum256(pngOf(seed))
		return hex.EncodeToString(sum[:])
	}
	ask := func(sums ...string) string {
		body, _ := json.Marshal(map[string]any{"sha256": sums})
		a := s.send("POST", l.URL+"/check", bytes.NewReader(body), "Content-Type", "application/json")
		if a.StatusCode != http.StatusOK {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		return strings.TrimSpace(string(a.body))
	}
	if got, want := ask(sum(2), sum(3), strings.ToUpper(sum(1)), sum(2)), `{"known":["`+sum(2)+`","`+sum(1)+`"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var with struct{ IDs map[string]string }
	a := s.send("POST", l.URL+"/check", strings.NewReader(fmt.Sprintf(`{"sha256":[%q,%q],"ids":true}`, sum(3), sum(1))))
	a.json(t, &with)
	if len(with.IDs) != 1 || with.IDs[sum(1)] != results[0].ID {
		t.Errorf("got %s, want the id of %+v", a.body, results[0])
	}
	if got := ask(sum(3)); got != `{"known":[]}` {
		t.Errorf("got %s", got)
	}
	if got := ask([]string{}...); got != `{"known":[]}` {
		t.Errorf("got %s", got)
	}
	many := make([]string, maxSums)
	for i := range many {
		many[i] = sum(3)
	}
	if got := ask(many...); got != `{"known":[]}` {
		t.Errorf("got %s", got)
	}
}

// TestStagingFails: a store that takes nothing is no fault of the file.
func TestStagingFails(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	l := s.makeLink("")
	must(t, os.RemoveAll(s.root))
	s.wantUnavailable(s.post(l.URL, testFile{"a.png", pngOf(1)}, testFile{"b.png", pngOf(2)}))
	if got := s.count(`SELECT count(*) FROM images`); got != 0 {
		t.Errorf("%d pictures", got)
	}
}
