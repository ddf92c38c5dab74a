package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// tus sends one request of the protocol and returns the answer's header.
func (r *running) tus(t *testing.T, method, path string, body []byte, want int, headers ...string) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.base+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		t.Fatalf("%s %s: %s, want %d", method, path, res.Status, want)
	}
	return res.Header
}

// The process is killed while a piece arrives: what the disk has is where the
// next process goes on.
func TestResumedAfterKill(t *testing.T) {
	t.Parallel()
	const stream = "application/offset+octet-stream"
	dir, data := t.TempDir(), append(picture(t, 5), make([]byte, 300<<10)...)
	first := start(t, dir)
	link := first.link(t)
	made := first.tus(t, "POST", link+"/tus/", nil, http.StatusCreated, "Upload-Length", strconv.Itoa(len(data)))
	address, err := url.Parse(made.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := 100 << 10
	first.tus(t, "PATCH", address.Path, data[:acknowledged], http.StatusNoContent, "Upload-Offset", "0", "Content-Type", stream)

	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		address.Path, acknowledged, stream, len(data)-acknowledged, data[acknowledged:2*acknowledged])
	eventually(t, "the arrival of some of the second piece", func() bool {
		names, err := filepath.Glob(filepath.Join(dir, "inlet-data", "tus", "*[A-Z0-9]"))
		if err != nil || len(names) != 1 {
			t.Fatalf("the uploads are %v, %v", names, err)
		}
		info, err := os.Stat(names[0])
		return err == nil && info.Size() > int64(acknowledged)
	})
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()

	second := start(t, dir)
	offset := second.tus(t, "HEAD", address.Path, nil, http.StatusOK).Get("Upload-Offset")
	at, err := strconv.Atoi(offset)
	if err != nil || at <= acknowledged || at > 2*acknowledged {
		t.Fatalf("it goes on at %q", offset)
	}
	last := second.tus(t, "PATCH", address.Path, data[at:], http.StatusNoContent, "Upload-Offset", offset, "Content-Type", stream)
	result := decode[struct{ ID, Status string }](t, []byte(last.Get("Inlet-Result")))
	if got := second.ask(t, "GET", "/v1/images/"+result.ID, nil, http.StatusOK); result.Status != "stored" || !bytes.Equal(got, data) {
		t.Errorf("%+v, and %d bytes came back of %d", result, len(got), len(data))
	}
}
