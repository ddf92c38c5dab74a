package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inlet/blob/s3/s3test"
)

// The whole service on S3: what is sent comes back, as it was and smaller, from
// here and from the store, is found again, survives a store that is killed, and
// is deleted.
func TestOnS3(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	r := start(t, t.TempDir(), "INLET_BLOB_URL="+server.Bucket(), "INLET_BLOB_REDIRECT=1",
		"AWS_ACCESS_KEY_ID="+server.Access, "AWS_SECRET_ACCESS_KEY="+server.Secret)
	link := r.link(t)
	ids := map[string][]byte{}
	for _, data := range pictures(t) {
		status, answer := r.post(t, link, "application/octet-stream", data)
		if status != http.StatusCreated {
			t.Fatalf("%d %s", status, answer)
		}
		ids[decode[results](t, answer).Results[0].ID] = data
	}
	const stream = "application/offset+octet-stream"
	inPieces := picture(t, 98)
	made := r.tus(t, "POST", link+"/tus/", nil, http.StatusCreated, "Upload-Length", strconv.Itoa(len(inPieces)))
	address, err := url.Parse(made.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	r.tus(t, "PATCH", address.Path, inPieces[:50], http.StatusNoContent, "Upload-Offset", "0", "Content-Type", stream)
	eventually(t, "the claim of the bucket", func() bool { return slices.Contains(server.Objects(), "owner") })
	server.Kill()
	status, answer := r.post(t, link, "application/octet-stream", picture(t, 99))
	if status != http.StatusServiceUnavailable || !bytes.Contains(answer, []byte(`"code":"unavailable"`)) {
		t.Errorf("while the store is away: %d %s", status, answer)
	}
	for id := range ids {
		r.ask(t, "GET", "/v1/images/"+id, nil, http.StatusServiceUnavailable)
		break
	}
	r.ask(t, "GET", "/readyz", nil, http.StatusServiceUnavailable)
	server.Restart()
	r.ask(t, "GET", "/readyz", nil, http.StatusOK)
	last := r.tus(t, "PATCH", address.Path, inPieces[50:], http.StatusNoContent, "Upload-Offset", "50", "Content-Type", stream)
	ids[decode[struct{ ID string }](t, []byte(last.Get("Inlet-Result"))).ID] = inPieces
	for id, data := range ids {
		// The client follows the redirect.
		if got := r.ask(t, "GET", "/v1/images/"+id, nil, http.StatusOK); !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back of %d", len(got), len(data))
		}
		small := r.ask(t, "GET", "/v1/images/"+id+"?width=160", nil, http.StatusOK)
		if shown, err := jpeg.DecodeConfig(bytes.NewReader(small)); err != nil || shown.Width > 160 {
			t.Errorf("the variant is %d wide, %v", shown.Width, err)
		}
		sum := sha256.Sum256(data)
		if status, answer := r.post(t, link, "application/octet-stream", data); status != http.StatusOK ||
			!bytes.Contains(answer, []byte(hex.EncodeToString(sum[:]))) {
			t.Errorf("sent again: %d %s", status, answer)
		}
		r.ask(t, "DELETE", "/v1/images/"+id, nil, http.StatusNoContent)
		r.ask(t, "GET", "/v1/images/"+id, nil, http.StatusNotFound)
	}
	if left := server.Objects(); len(left) != 1 || left[0] != "owner" {
		t.Errorf("left in the bucket: %v", left)
	}
	if metrics := string(r.ask(t, "GET", "/metrics", nil, http.StatusOK)); !strings.Contains(metrics, `inlet_blob_errors_total{operation="keep"} 1`) {
		t.Error("the failure is not in the metrics")
	}
}

// pictures are some of the corpus where that is here, and some that are not.
func pictures(t *testing.T) (all [][]byte) {
	t.Helper()
	for i := range 3 {
		var b bytes.Buffer
		if err := png.Encode(&b, noise(200+i, 100)); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	files, err := filepath.Glob(filepath.Join(corpus, "files", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files[:min(3, len(files))] {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}
