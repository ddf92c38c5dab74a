package web

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"inlet/blob/s3/s3test"
	"inlet/resume"
)

// onS3 are two processes with pictures and pieces in a bucket, and nothing else in
// common.
func onS3(t *testing.T) (server *s3test.Server, s, other *testServer) {
	t.Helper()
	server = s3test.Start(t)
	bucket := server.Bucket()
	s = newTestServer(t, func(o *setup) {
		kept := server.Open(bucket)
		o.blobs, o.pieces = kept, resume.OpenBucket(kept)
	})
	return server, s, s.replicaOn(resume.OpenBucket(server.Open(bucket)))
}

// inPieces lists what the bucket has of uploads in pieces.
func inPieces(server *s3test.Server) []string {
	return slices.DeleteFunc(server.Objects(), func(name string) bool { return !strings.HasPrefix(name, "tus/") })
}

// leased tells whether a request holds the one upload.
func (s *testServer) leased() bool {
	return s.count(`SELECT count(*) FROM upload_sessions WHERE holder IS NOT NULL`) == 1
}

// TestTusCutOnS3: as TestTusCut; another process has what came before the cut.
func TestTusCutOnS3(t *testing.T) {
	t.Parallel()
	for name, closed := range map[string]bool{"closed": true, "silent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, s, other := onS3(t)
			data := append(pngOf(1), make([]byte, 5000)...)
			upload := s.begun(s.makeLink("").URL, "a.png", len(data))
			s.patch(upload, 0, data[:1000])
			conn := s.stalled(upload, 1000, len(data)-1000, data[1000:3000])
			if closed {
				conn.Close()
				await(t, "the arrival of 3000 bytes", func() bool {
					return slices.ContainsFunc(inPieces(server), func(name string) bool { return strings.HasSuffix(name, "03000") })
				})
			} else {
				await(t, "the lease", s.leased)
			}
			upload = s.at(other, upload)
			// Of what comes while the request is being ended, some may be lost.
			n := other.offset(upload)
			if n < 1000 || n > 3000 || closed && n != 3000 {
				t.Errorf("goes on at %d", n)
			}
			if !closed {
				said, err := io.ReadAll(conn)
				if !strings.HasPrefix(string(said), "HTTP/1.1 423 ") {
					t.Errorf("the old request was answered %q, %v", said, err)
				}
			}
			e := outcome(t, other.patch(upload, n, data[n:]))
			if got := s.send("GET", e.URL, nil); e.Status != "stored" || !bytes.Equal(got.body, data) {
				t.Errorf("%+v, or the picture came back altered", e)
			}
			if left := inPieces(server); len(left) > 0 {
				t.Errorf("left of the upload: %v", left)
			}
		})
	}
}

// TestTusS3Away: a bucket that is away costs requests, and nothing that was
// acknowledged.
func TestTusS3Away(t *testing.T) {
	t.Parallel()
	server, s, other := onS3(t)
	l, data := s.makeLink("").URL, append(pngOf(1), make([]byte, 5000)...)
	upload := s.begun(l, "a.png", len(data))
	if a := s.patch(upload, 0, data[:1000]); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	conn := s.stalled(upload, 1000, len(data)-1000, data[1000:2000])
	await(t, "the lease", s.leased)
	server.Kill()
	_, err := conn.Write(data[2000:])
	must(t, err)
	if said, err := bufio.NewReader(conn).ReadString('\n'); !strings.HasPrefix(said, "HTTP/1.1 503 ") {
		t.Errorf("the bucket went in the middle of a piece: %q, %v", said, err)
	}
	s.wantUnavailable(s.patch(upload, 1000, data[1000:2000]))
	s.wantUnavailable(s.send("GET", upload+"/result", nil))
	s.wantUnavailable(s.begin(l, "b.png", 100, nil))
	if a := s.send("HEAD", upload, nil); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("HEAD: %d", a.StatusCode)
	}
	server.Restart()
	upload = s.at(other, upload)
	if n := other.offset(upload); n != 1000 {
		t.Fatalf("goes on at %d", n)
	}
	e := outcome(t, other.patch(upload, 1000, data[1000:]))
	if got := s.send("GET", e.URL, nil); e.Status != "stored" || !bytes.Equal(got.body, data) {
		t.Errorf("%+v, or the picture came back altered", e)
	}
	s.wantCounted(1, 0)
}
