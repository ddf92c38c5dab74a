package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newCluster starts three replicas and two workers.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip(errNoNginx)
	}

	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	c, err := start(t.Context(), options{addr: "127.0.0.1:0", replicas: 3, workers: 2, blobs: "s3", dir: t.TempDir()}, log)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(c.stop)

	return c
}

func TestCluster(t *testing.T) {
	c := newCluster(t)
	t.Run("a link's life", c.testLife)
	t.Run("a rolling restart", c.testRollingRestart)
	t.Run("no log has a token", c.testLogs)
}

// testLogs searches all logs for the beginnings of tokens, also those of requests
// whose replica was down.
func (c *cluster) testLogs(t *testing.T) {
	logs := 0
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".log" {
			return err
		}

		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("eyJ")) {
			t.Errorf("%s has a token", path)
		}

		logs++

		return err
	})

	if err != nil || logs < len(c.processes)+2 {
		t.Errorf("%d logs, %v", logs, err)
	}
}

// testLife walks through a link's life, each step on another replica.
func (c *cluster) testLife(t *testing.T) {
	first, second, third := "http://"+c.processes[0].addr, "http://"+c.processes[1].addr, "http://"+c.processes[2].addr
	link := c.link(t, first)
	path := strings.TrimPrefix(link.URL, c.url)
	if path == link.URL {
		t.Fatalf("the link %s does not lead to nginx at %s", link.URL, c.url)
	}

	pictures := makePictures(t, 9, 1)
	for i, data := range pictures {
		origin := []string{first, second, third}[i%3]
		if got := c.send(t, origin+path, data); got.Status != "stored" {
			t.Errorf("picture %d: %s", i, got.Status)
		}
	}

	for i, data := range pictures { // any other replica knows it already
		origin := []string{second, third, first}[i%3]
		got := c.send(t, origin+path, data)
		if got.Status != "duplicate" || got.Match != "exact" {
			t.Errorf("picture %d again: %s %s", i, got.Status, got.Match)
		}

		c.compare(t, got, data)
	}

	for _, origin := range []string{first, second, third, c.url} {
		c.counted(t, origin, len(pictures), len(pictures))
	}

	c.ask(t, http.MethodDelete, second+"/v1/links/"+link.ID, nil, http.StatusNoContent)
	for _, origin := range []string{first, second, third, c.url} {
		within(t, 2*time.Second, "revoked on "+origin, func() bool {
			res := c.post(t, origin+path, pictures[0])
			defer res.Body.Close()
			return res.StatusCode == http.StatusGone
		})
	}
}

// testRollingRestart replaces every process under load. Clients that retry lose
// nothing.
func (c *cluster) testRollingRestart(t *testing.T) {
	link, before := c.link(t, c.url), c.stats(t, c.url)
	pictures := makePictures(t, 120, 2)
	var next, done atomic.Int64
	var mu sync.Mutex
	accepted := map[string][]byte{} // by id
	var senders sync.WaitGroup
	for range 6 {
		senders.Go(func() {
			for !t.Failed() {
				i := int(next.Add(1)) - 1
				if i >= len(pictures) {
					return
				}
				got := c.send(t, link.URL, pictures[i])
				mu.Lock()
				accepted[got.ID] = pictures[i]
				mu.Unlock()
				done.Add(1)
			}
		})
	}

	for i, p := range c.processes {
		// Each while uploads are under way.
		within(t, time.Minute, "uploads go on", func() bool { return int(done.Load()) > i*len(pictures)/(2*len(c.processes)) })
		p.drain()
		if err := p.restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	senders.Wait()
	if len(accepted) != len(pictures) {
		t.Errorf("%d pictures have %d ids", len(pictures), len(accepted))
	}

	for id, data := range accepted {
		c.compare(t, outcome{ID: id}, data)
	}

	// A client that lost an answer sends the picture again: a duplicate.
	within(t, 10*time.Second, "the statistics", func() bool {
		doc := c.stats(t, c.url)
		return doc.Images.Stored-before.Images.Stored == len(pictures) && doc.Uploads.Accepted-before.Uploads.Accepted >= len(pictures)
	})
}

type newLink struct{ ID, URL string }

type outcome struct {
	ID, Status, Match, SHA256 string
}

type stats struct {
	Images  struct{ Stored int }
	Uploads struct{ Accepted, Stored, Duplicates int }
}

func (c *cluster) link(t *testing.T, origin string) newLink {
	t.Helper()
	var l newLink
	decode(t, c.ask(t, http.MethodPost, origin+"/v1/links", []byte(`{"expires_in":"1h"}`), http.StatusCreated), &l)

	return l
}

func (c *cluster) stats(t *testing.T, origin string) (doc stats) {
	t.Helper()
	decode(t, c.ask(t, http.MethodGet, origin+"/v1/stats", nil, http.StatusOK), &doc)
	return doc
}

// counted waits until a replica's statistics show these counts.
func (c *cluster) counted(t *testing.T, origin string, stored, duplicates int) {
	t.Helper()
	var doc stats
	within(t, 5*time.Second, fmt.Sprintf("%d stored and %d duplicates on %s", stored, duplicates, origin), func() bool {
		doc = c.stats(t, origin)
		return doc.Images.Stored == stored && doc.Uploads.Stored == stored && doc.Uploads.Duplicates == duplicates
	})
}

// compare fetches a picture through nginx.
func (c *cluster) compare(t *testing.T, got outcome, data []byte) {
	t.Helper()
	if back := c.ask(t, http.MethodGet, c.url+"/v1/images/"+got.ID, nil, http.StatusOK); !bytes.Equal(back, data) {
		t.Errorf("picture %s came back altered", got.ID)
	}

	if sum := sha256.Sum256(data); got.SHA256 != "" && got.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("picture %s has the sum %s", got.ID, got.SHA256)
	}
}

// send sends a picture, and retries as long as the answer asks for it or is
// missing.
func (c *cluster) send(t *testing.T, url string, data []byte) outcome {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		got, err := try(ctx, url, data)
		if err == nil {
			return got
		}
		if !errors.Is(err, errAgain) || pause(ctx) != nil {
			t.Errorf("send a picture: %v", err)
			return outcome{}
		}
	}
}

var errAgain = errors.New("try again")

func try(ctx context.Context, url string, data []byte) (outcome, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return outcome{}, err
	}

	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return outcome{}, fmt.Errorf("%w: %w", errAgain, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return outcome{}, fmt.Errorf("%w: %w", errAgain, err)
	case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		return outcome{}, fmt.Errorf("%w: %s", errAgain, body)
	case res.StatusCode >= 300:
		return outcome{}, fmt.Errorf("%s: %s", res.Status, body)
	}

	var doc struct{ Results []outcome }
	if err := json.Unmarshal(body, &doc); err != nil || len(doc.Results) != 1 {
		return outcome{}, fmt.Errorf("%w: %s", err, body)
	}

	return doc.Results[0], nil
}

func (c *cluster) post(t *testing.T, url string, data []byte) *http.Response {
	t.Helper()
	res, err := http.Post(url, "", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}

	return res
}

// ask sends a request as the operator.
func (c *cluster) ask(t *testing.T, method, url string, body []byte, want int) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	r.Header.Set("Authorization", "Bearer "+c.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		t.Fatalf("%s %s: %s, %v: %s", method, url, res.Status, err, answer)
	}

	return answer
}

func decode(t *testing.T, doc []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(doc, v); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
}

func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for !ok() {
		if pause(ctx) != nil {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// makePictures draws n pictures without near-duplicates.
func makePictures(t *testing.T, n int, seed uint64) [][]byte {
	t.Helper()
	all := make([][]byte, n)
	for i := range all {
		rnd := rand.New(rand.NewPCG(uint64(i), seed))
		img := image.NewRGBA(image.Rect(0, 0, 160, 120))
		for y := range 12 {
			for x := range 16 {
				colour := color.RGBA{uint8(rnd.Uint32()), uint8(rnd.Uint32()), uint8(rnd.Uint32()), 255}
				for dy := range 10 {
					for dx := range 10 {
						img.Set(x*10+dx, y*10+dy, colour)
					}
				}
			}
		}

		var file bytes.Buffer
		if err := png.Encode(&file, img); err != nil {
			t.Fatal(err)
		}

		all[i] = file.Bytes()
	}

	return all
}
