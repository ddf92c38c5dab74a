package main

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"os"
	"testing"
)

// HEIC and AVIF are answered at once and decoded afterwards: then they have
// variants, and whichever is a copy of what was there before becomes one of its
// ids.
func TestHEIC(t *testing.T) {
	t.Parallel()
	r := start(t, t.TempDir())
	link := r.link(t)
	read := func(name string) []byte {
		file, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	send := func(name string, file []byte) string {
		status, answer := r.post(t, link, "application/octet-stream", file)
		if status != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, status, answer)
		}
		return decode[results](t, answer).Results[0].ID
	}
	first := send("scene.heic", read("scene.heic"))
	status := func(path string) int {
		res, err := http.Get(r.base + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	variant := "/v1/images/" + first + "?width=320"
	eventually(t, "a variant", func() bool { return status(variant) == http.StatusOK })
	m, err := jpeg.DecodeConfig(bytes.NewReader(r.ask(t, "GET", variant, nil, http.StatusOK)))
	if err != nil || m.Width != 320 || m.Height != 240 {
		t.Errorf("the variant: %d×%d, %v", m.Width, m.Height, err)
	}
	type document struct {
		ID    string
		PHash *string
	}
	of := func(id string) document {
		return decode[document](t, r.ask(t, "GET", "/v1/images/"+id+"/metadata", nil, http.StatusOK))
	}
	eventually(t, "a perceptual hash", func() bool { return of(first).PHash != nil })
	for _, name := range []string{"scene.avif", "scene.jpg"} {
		copied := send(name, read(name))
		eventually(t, "the merge of "+name, func() bool { return of(copied).ID == first })
	}
	// Its container is sound, its pixels are not.
	broken := read("scene.avif")
	clear(broken[bytes.Index(broken, []byte("mdat"))+4:])
	path := "/v1/images/" + send("a broken one", broken)
	eventually(t, "the refusal", func() bool { return status(path+"?width=320") == http.StatusUnprocessableEntity })
	if meta := r.ask(t, "GET", path+"/metadata", nil, http.StatusOK); !bytes.Contains(meta, []byte(`"undecodable"`)) {
		t.Errorf("it is not flagged: %s", meta)
	}
}
