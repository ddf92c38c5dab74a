package web

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"image"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"inlet/blob"
)

// unzip reads an archive to its end, the checksums included.
func unzip(t *testing.T, data []byte) (names []string, content map[string]string) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	content = map[string]string{}
	for _, f := range archive.File {
		entry, err := f.Open()
		must(t, err)
		all, err := io.ReadAll(entry)
		must(t, err)
		names, content[f.Name] = append(names, f.Name), string(all)
	}
	return names, content
}

func TestZIP(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	if names, _ := unzip(t, s.stream("/v1/images", typeZIP).body); !slices.Equal(names, []string{"metadata.ndjson"}) {
		t.Errorf("an empty service packs %v", names)
	}
	one, two, three := s.store("1.png", pngOf(1)), s.store("2.jpg", jpegOf(2)), s.store("3.gif", gifOf(3))
	a := s.stream("/v1/images", typeZIP)
	if got := a.Header.Get("Content-Disposition"); got != "attachment; filename=images.zip" {
		t.Errorf("Content-Disposition is %q", got)
	}
	names, content := unzip(t, a.body)
	if want := []string{three.ID + ".gif", two.ID + ".jpg", one.ID + ".png", "metadata.ndjson"}; !slices.Equal(names, want) {
		t.Errorf("packed %v, want %v", names, want)
	}
	for name, want := range map[string][]byte{three.ID + ".gif": gifOf(3), two.ID + ".jpg": jpegOf(2), one.ID + ".png": pngOf(1)} {
		if content[name] != string(want) {
			t.Errorf("%s has other bytes than were sent", name)
		}
	}
	if content["metadata.ndjson"] != string(s.stream("/v1/images", typeNDJSON).body) {
		t.Errorf("the documents are not those of the list:\n%s", content["metadata.ndjson"])
	}
	if names, _ := unzip(t, s.stream("/v1/images?format=png", typeZIP).body); !slices.Equal(names, []string{one.ID + ".png", "metadata.ndjson"}) {
		t.Errorf("the filter packs %v", names)
	}

	// One whose bytes are lost does not spoil the others.
	sum := sha256.Sum256(jpegOf(2))
	must(t, s.blobs.Delete(context.Background(), blob.ContentKey(sum)))
	_, content = unzip(t, s.stream("/v1/images", typeZIP).body)
	if got := content["missing.txt"]; got != two.ID+" lost\n" {
		t.Errorf("missing.txt is %q", got)
	}
	if n := strings.Count(content["metadata.ndjson"], "\n"); n != 2 {
		t.Errorf("there are %d documents for 2 pictures", n)
	}
}

// large is a picture of about a megabyte that nothing compresses.
func large(t *testing.T, seed uint64) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 590, 580))
	random := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = random.Read(img.Pix)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	var b bytes.Buffer
	must(t, bmp.Encode(&b, img))
	return b.Bytes()
}

// TestZIPWhileDeleting holds an archive up in its middle, which shows that it is
// read from the store as it is sent, and deletes a picture that is still to come.
func TestZIPWhileDeleting(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	const pictures = 24 // more than the connection's buffers hold
	oldest := s.store("0.bmp", large(t, 0))
	for i := range uint64(pictures - 1) {
		s.store("more.bmp", large(t, i+1))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/images", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Accept", typeZIP)
	res, err := s.client.Do(r)
	must(t, err)
	defer res.Body.Close()
	data := make([]byte, 1000)
	_, err = io.ReadFull(res.Body, data)
	must(t, err)
	if a := s.operator("DELETE", "/v1/images/"+oldest.ID, ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("delete: %d %s", a.StatusCode, a.body)
	}
	rest, err := io.ReadAll(res.Body)
	must(t, err)
	names, content := unzip(t, slices.Concat(data, rest))
	if len(names) != pictures+1 || content["missing.txt"] != oldest.ID+" deleted\n" {
		t.Errorf("%d entries, missing.txt is %q", len(names), content["missing.txt"])
	}
	for line := range strings.Lines(content["metadata.ndjson"]) {
		var doc struct{ ID string }
		must(t, json.Unmarshal([]byte(line), &doc))
		if content[doc.ID+".bmp"] == "" {
			t.Errorf("there is a document and no picture of %s", doc.ID)
		}
	}
}

// TestZIPFailsAtOnce: what cannot be looked up is no picture that went away.
func TestZIPFailsAtOnce(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	s.store("1.png", pngOf(1))
	_, err := s.pool.Exec(context.Background(), `ALTER TABLE merges RENAME TO hidden`)
	must(t, err)
	a := s.send("GET", "/v1/images", nil, "Authorization", "Bearer "+testToken, "Accept", typeZIP)
	if a.code() != "internal" || a.Header.Get("Content-Disposition") != "" {
		t.Errorf("%d %v %.100s", a.StatusCode, a.Header, a.body)
	}
}
