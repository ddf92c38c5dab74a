package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
)

// Clients send copies of the same few pictures at once, re-encoded and scaled:
// each picture is kept once in the end, every id that was given serves it, and the
// statistics are what Postgres says.
func TestCopiesAtOnce(t *testing.T) {
	t.Parallel()
	const pictures = 3
	r := start(t, t.TempDir())
	link := r.link(t)
	var mu sync.Mutex
	ids := map[int]map[string]bool{}
	var wg sync.WaitGroup
	for p := range pictures {
		ids[p] = map[string]bool{}
		for _, file := range copies(t, shapes(p, 480, 360)) {
			wg.Go(func() {
				status, answer := r.post(t, link, "application/octet-stream", file)
				if status >= 300 {
					t.Errorf("%d: %.300s", status, answer)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				ids[p][decode[results](t, answer).Results[0].ID] = true
			})
		}
	}
	wg.Wait()
	db := r.database(t)
	count := func(query string) (n int) {
		if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "the merge", func() bool { return count(`SELECT count(*) FROM images`) == pictures })
	for p, given := range ids {
		var kept []byte
		for id := range given {
			body := r.ask(t, "GET", "/v1/images/"+id, nil, http.StatusOK)
			if kept != nil && !bytes.Equal(body, kept) {
				t.Errorf("picture %d: its ids serve different bytes", p)
			}
			kept = body
		}
	}
	accepted, stored := count(`SELECT count(*) FROM uploads`), count(`SELECT count(*) FROM uploads WHERE status = 'stored'`)
	if stored != pictures {
		t.Errorf("%d uploads are of status stored", stored)
	}
	want := [4]int{pictures, accepted, stored, accepted - stored}
	eventually(t, fmt.Sprintf("statistics of %v", want), func() bool {
		doc := decode[struct {
			Images  struct{ Stored int }
			Uploads struct{ Accepted, Stored, Duplicates int }
		}](t, r.ask(t, "GET", "/v1/stats", nil, http.StatusOK))
		return [4]int{doc.Images.Stored, doc.Uploads.Accepted, doc.Uploads.Stored, doc.Uploads.Duplicates} == want
	})
}

// copies are of one size, so that whichever comes first is kept.
func copies(t *testing.T, m image.Image) (files [][]byte) {
	t.Helper()
	for _, quality := range []int{95, 90, 85, 80, 75} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return append(files, b.Bytes())
}

// shapes is a picture of cards on a table, other ones for each seed.
func shapes(seed, w, h int) *image.RGBA {
	chance := rand.New(rand.NewPCG(uint64(seed), 1))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	level := func() uint8 { return uint8(50 + chance.IntN(150)) }
	for range 80 {
		at := image.Pt(chance.IntN(w), chance.IntN(h))
		card := image.Rectangle{Min: at, Max: at.Add(image.Pt(20+chance.IntN(w/4), 20+chance.IntN(h/4)))}
		draw.Draw(m, card, image.NewUniform(color.RGBA{level(), level(), level(), 255}), image.Point{}, draw.Src)
	}
	return m
}
