package web

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlet/web/intake"
)

func withRates(client, link intake.Rate) func(*setup) {
	return func(o *setup) { o.web.ClientRate, o.web.LinkRate = client, link }
}

func TestFilesOfAClientAreLimited(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, withRates(intake.Rate{Files: 3, Period: time.Hour}, intake.Rate{}))
	first := s.postRaw(s.makeLink("").URL, "a.png", pngOf(1))
	if first.StatusCode != http.StatusCreated || first.Header.Get("RateLimit-Policy") != `"client";q=3;w=3600` ||
		first.Header.Get("RateLimit") != `"client";r=2;t=1200` {
		t.Errorf("got %d, %q, %q", first.StatusCode, first.Header.Get("RateLimit-Policy"), first.Header.Get("RateLimit"))
	}
	// Each file of a form counts; those above the limit are refused alone.
	rest := s.post(s.makeLink("").URL, testFile{"b", pngOf(2)}, testFile{"c", pngOf(3)}, testFile{"d", pngOf(4)}, testFile{"e", pngOf(5)})
	if got := rest.outcome(t); rest.StatusCode != http.StatusCreated || got != "stored stored rate-limited rate-limited" {
		t.Errorf("got %d, %s", rest.StatusCode, got)
	}
	refused := s.postRaw(s.makeLink("").URL, "a.png", pngOf(6))
	wait, err := strconv.Atoi(refused.Header.Get("Retry-After"))
	if refused.StatusCode != http.StatusTooManyRequests || refused.code() != "rate-limited" || err != nil || wait < 1100 || wait > 1200 {
		t.Errorf("got %d %s, Retry-After %q", refused.StatusCode, refused.code(), refused.Header.Get("Retry-After"))
	}
	if refused.Header.Get("RateLimit") == "" {
		t.Error("a refusal does not say what is left")
	}
	// What was refused counts nowhere.
	if n := s.count(`SELECT coalesce(sum(files), 0) FROM rejections`); n != 0 {
		t.Errorf("%d refused files were counted", n)
	}
}

func TestFilesOfALinkAreLimited(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, withRates(intake.Rate{}, intake.Rate{Files: 1, Period: time.Hour}))
	a, b := s.makeLink("").URL, s.makeLink("").URL
	for _, c := range []struct {
		link string
		want int
	}{{a, http.StatusCreated}, {a, http.StatusTooManyRequests}, {b, http.StatusCreated}} {
		if got := s.postRaw(c.link, "a.png", pngOf(7)); got.StatusCode != c.want && got.StatusCode != http.StatusOK {
			t.Errorf("got %d, want %d", got.StatusCode, c.want)
		}
	}
}

// With Redis away nothing is limited, and nobody waits for it.
func TestRatesWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, withRates(intake.Rate{Files: 1, Period: time.Hour}, intake.Rate{Files: 1, Period: time.Hour}))
	s.redis.Stop()
	for i := range 3 {
		if got := s.postRaw(s.makeLink("").URL, "a.png", pngOf(10+i)); got.StatusCode != http.StatusCreated {
			t.Errorf("got %d %s", got.StatusCode, got.code())
		}
	}
}

func TestVisitsAreLimited(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, withRates(intake.Rate{Files: 1, Period: time.Hour}, intake.Rate{}))
	link := s.makeLink("").URL
	for i := range intake.VisitsPerFile + 1 {
		got := s.send("POST", link+"/check", strings.NewReader(`{"sha256":[]}`))
		if limited := got.StatusCode == http.StatusTooManyRequests; limited != (i == intake.VisitsPerFile) {
			t.Errorf("check %d: got %d", i+1, got.StatusCode)
		}
	}
	// They do not use up what is for files.
	if got := s.postRaw(link, "a.png", pngOf(20)); got.StatusCode != http.StatusCreated {
		t.Errorf("got %d %s", got.StatusCode, got.code())
	}
}

// An upload in pieces counts when it is created.
func TestUploadsInPiecesAreLimited(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, withRates(intake.Rate{Files: 1, Period: time.Hour}, intake.Rate{}))
	link := s.makeLink("").URL
	for _, want := range []int{http.StatusCreated, http.StatusTooManyRequests} {
		got := s.send("POST", link+"/tus/", nil, "Tus-Resumable", "1.0.0", "Upload-Length", "10")
		if got.StatusCode != want {
			t.Errorf("got %d %s, want %d", got.StatusCode, got.body, want)
		}
	}
}
