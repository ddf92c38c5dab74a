package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/blob/s3"
	"inlet/blob/s3/s3test"
)

func TestStore(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for name, query := range map[string][]string{"bucket": nil, "prefix": {"prefix", "pictures/inlet"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blobtest.Run(t, func(t *testing.T) blobtest.Store { return server.Open(server.Bucket(query...)) })
		})
	}
}

// noConditions answers as a server does that has no conditional requests.
func noConditions(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("If-None-Match") == "" {
		return false
	}
	w.WriteHeader(http.StatusNotImplemented)
	return true
}

// alwaysTaken answers as a broken server does: what is to be new is there, but
// it is not.
func alwaysTaken(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("If-None-Match") == "" || !strings.Contains(r.URL.Path, "/blobs/") {
		return false
	}
	w.WriteHeader(http.StatusConflict)
	return true
}

func TestServersWithoutConditions(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"not implemented": noConditions, "taken": alwaysTaken,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blobtest.Run(t, func(t *testing.T) blobtest.Store {
				p := newProxy(t, server)
				p.answers(answer)
				return p.open(t, server)
			})
		})
	}
}

// What an upload and a download cost in requests.
func TestRequests(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	p := newProxy(t, server)
	s := p.open(t, server)
	data := blobtest.Random(1 << 20)
	st := blobtest.Stage(t, s, data)
	k := blob.ContentKey(st.Sum())
	path, _ := k.Path()
	name := "blobs/" + path
	want := func(what string, requests ...string) {
		t.Helper()
		if got := p.requests(); !slices.Equal(got, requests) {
			t.Errorf("%s: %q, want %q", what, got, requests)
		}
	}
	must(t, s.Keep(t.Context(), st, k))
	want("keep", "PUT "+name)
	must(t, s.Keep(t.Context(), st, k))
	want("keep again", "HEAD "+name)
	must(t, s.Keep(t.Context(), blobtest.Stage(t, s, data), k))
	// The server answers before all of it is sent, and closes the connection. What
	// gets through first decides how often it is tried.
	want("keep another", append(slices.Repeat([]string{"PUT " + name}, max(1, len(p.seen)-1)), "HEAD "+name)...)

	b, err := s.Open(t.Context(), k)
	must(t, err)
	defer b.Close()
	want("open", "HEAD "+name)
	got, err := io.ReadAll(b)
	must(t, err)
	if !bytes.Equal(got, data) {
		t.Error("the bytes differ")
	}
	want("read", "GET "+name)
	for _, off := range []int64{1000, 1008, 90_000, 300_000} { // as decoders look at the beginning
		piece := make([]byte, 8)
		_, err := b.ReadAt(piece, off)
		must(t, err)
		if !bytes.Equal(piece, data[off:off+8]) {
			t.Errorf("other bytes at %d", off)
		}
	}
	want("look", "GET "+name)
}

func TestLargeFile(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	p := newProxy(t, server)
	s := p.open(t, server)
	data := bytes.Repeat(blobtest.Random(1<<20), 40)
	st := blobtest.Stage(t, s, data)
	k := blob.ContentKey(st.Sum())
	// The second part is lost once: only it is sent again.
	var once sync.Once
	p.answers(func(w http.ResponseWriter, r *http.Request) (done bool) {
		if r.URL.Query().Get("partNumber") == "2" {
			once.Do(func() { w.WriteHeader(http.StatusServiceUnavailable); done = true })
		}
		return done
	})
	must(t, s.Keep(t.Context(), st, k))
	var puts int
	for _, r := range p.requests() {
		if strings.HasPrefix(r, "PUT ") {
			puts++
		}
	}
	if puts != 4 {
		t.Errorf("%d parts were sent, want 3 and one of them twice", puts)
	}
	b, err := s.Open(t.Context(), k)
	must(t, err)
	defer b.Close()
	got, err := io.ReadAll(b)
	must(t, err)
	if !bytes.Equal(got, data) {
		t.Error("the bytes differ")
	}
	must(t, s.Keep(t.Context(), blobtest.Stage(t, s, data), k))
	for _, r := range p.requests() {
		if strings.HasPrefix(r, "PUT ") {
			t.Error("what was there was sent again")
		}
	}
}

// What a process leaves that dies while it sends a large file is removed by age.
func TestSweepParts(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	p := newProxy(t, server)
	s := p.open(t, server)
	p.answers(func(w http.ResponseWriter, r *http.Request) bool {
		lost := r.URL.Query().Has("partNumber") || r.Method == http.MethodDelete
		if lost {
			w.WriteHeader(http.StatusForbidden)
		}
		return lost
	})
	st := blobtest.Stage(t, s, make([]byte, 17<<20))
	if err := s.Keep(t.Context(), st, blob.ContentKey(st.Sum())); !errors.Is(err, blob.ErrUnavailable) {
		t.Fatalf("Keep: %v", err)
	}
	st.Discard()
	p.answers(nil)
	for i, want := range []int{0, 1, 0} {
		age := time.Hour
		if i == 0 {
			age = -time.Hour
		}
		if n, err := s.SweepStaging(t.Context(), time.Now().Add(age)); n != want || err != nil {
			t.Errorf("sweep %d removed %d, %v; want %d", i, n, err, want)
		}
	}
}

// A server that is killed and comes back fails nothing that waits a moment.
func TestRestart(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s := server.Open(server.Bucket())
	data := blobtest.Random(1000)
	st := blobtest.Stage(t, s, data)
	k := blob.ContentKey(st.Sum())
	server.Kill()
	if err := s.Keep(t.Context(), st, k); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Keep while it is away: %v", err)
	}
	if _, err := s.Open(t.Context(), k); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Open while it is away: %v", err)
	}
	kept := make(chan error)
	go func() { kept <- s.Keep(t.Context(), st, k) }()
	began := time.Now()
	server.Restart()
	err := <-kept
	// A busy machine may start the server later than the client waits.
	if errors.Is(err, blob.ErrUnavailable) && time.Since(began) > 2*time.Second {
		err = s.Keep(t.Context(), st, k)
	}
	must(t, err)
	if blobtest.Keep(t, s, data) != k || !slices.Equal(blobtest.Contents(t, s), []blob.Key{k}) {
		t.Error("it is not there")
	}
}

// A server that hangs fails everything in time for an answer within 12 s.
func TestHang(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s := server.Open(server.Bucket())
	k := blobtest.Keep(t, s, blobtest.Random(3<<20))
	b, err := s.Open(t.Context(), k)
	must(t, err)
	defer b.Close()
	small, large := blobtest.Stage(t, s, []byte("x")), blobtest.Stage(t, s, make([]byte, 64<<20))
	server.Suspend()
	defer server.Resume()
	var all sync.WaitGroup
	for name, op := range map[string]func(context.Context) error{
		"keep":       func(ctx context.Context) error { return s.Keep(ctx, small, blob.ContentKey(small.Sum())) },
		"keep large": func(ctx context.Context) error { return s.Keep(ctx, large, blob.ContentKey(large.Sum())) },
		"open":       func(ctx context.Context) error { _, err := s.Open(ctx, k); return err },
		"read":       func(context.Context) error { _, err := io.Copy(io.Discard, b); return err },
		"delete":     func(ctx context.Context) error { return s.Delete(ctx, k) },
		"ping":       s.Ping,
		"claim":      func(ctx context.Context) error { return s.Claim(ctx, "me") },
		"sweep":      func(ctx context.Context) error { _, err := s.SweepStaging(ctx, time.Now()); return err },
		"walk": func(ctx context.Context) error {
			return s.Walk(ctx, time.Now(), func(blob.Key) error { return nil })
		},
	} {
		all.Go(func() {
			begun := time.Now()
			err := op(t.Context())
			if took := time.Since(begun); !errors.Is(err, blob.ErrUnavailable) || took > 11*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		})
	}
	all.Wait()
}

// A deletion that the server may still carry out says so: one whose answer was
// lost, also where it was answered when it was asked again.
func TestUnsettledDeletion(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	p := newProxy(t, server)
	s := p.open(t, server)
	lost := func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	refused := func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	for _, c := range []struct {
		name      string
		answer    func(http.ResponseWriter, *http.Request) bool
		times     int64
		unsettled bool
		gone      bool
	}{
		{"answered", nil, 0, false, true},
		{"lost", lost, 100, true, false},
		{"lost once", lost, 1, true, true},
		{"refused", refused, 100, false, false},
		{"refused once", refused, 1, false, true},
	} {
		k := blobtest.Keep(t, s, []byte(c.name))
		var asked atomic.Int64
		p.answers(func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodDelete && asked.Add(1) <= c.times && c.answer(w, r)
		})
		err := s.Delete(t.Context(), k)
		if errors.Is(err, blob.ErrUnsettled) != c.unsettled || errors.Is(err, blob.ErrUnavailable) != (c.unsettled || !c.gone) {
			t.Errorf("%s: %v", c.name, err)
		}
		p.answers(nil)
		if there, err := s.Exists(t.Context(), k); there == c.gone || err != nil {
			t.Errorf("%s: it is there: %v, %v", c.name, there, err)
		}
	}
}

// The server checks what it is sent: a body that is not what it should be is
// not kept.
func TestBodiesAreChecked(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	p := newProxy(t, server)
	s := p.open(t, server)
	data := blobtest.Random(5000)
	sum := sha256.Sum256(data)
	p.answers(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			if got := r.Header.Get("X-Amz-Checksum-Sha256"); got != base64.StdEncoding.EncodeToString(sum[:]) {
				t.Errorf("the checksum is %q", got)
			}
			body, _ := io.ReadAll(r.Body)
			body[2500]++
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return false
	})
	st := blobtest.Stage(t, s, data)
	if err := s.Keep(t.Context(), st, blob.ContentKey(sum)); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Keep: %v", err)
	}
	if there, err := s.Exists(t.Context(), blob.ContentKey(sum)); there || err != nil {
		t.Errorf("there: %v, %v", there, err)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s := server.Open(server.Bucket("public_endpoint", strings.Replace(server.Endpoint, "127.0.0.1", "localhost", 1)))
	data := blobtest.Random(5000)
	k := blobtest.Keep(t, s, data)
	address, err := s.Link(t.Context(), k, "image/webp", `inline; filename="x.webp"`)
	must(t, err)
	if origin, err := s.Origin(t.Context()); err != nil || !strings.HasPrefix(address, origin+"/") || !strings.Contains(origin, "localhost") {
		t.Errorf("the origin of %s is %s, %v", address, origin, err)
	}
	res, err := http.Get(address)
	must(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != http.StatusOK || !bytes.Equal(got, data) || res.Header.Get("Content-Type") != "image/webp" ||
		res.Header.Get("Content-Disposition") != `inline; filename="x.webp"` {
		t.Errorf("%s, %d bytes, %v", res.Status, len(got), res.Header)
	}
	if strings.Contains(address, server.Secret) {
		t.Error("the address holds the secret")
	}
	unsigned, _, _ := strings.Cut(address, "?")
	if res, err := http.Get(unsigned); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("without the signature: %v, %v", res.Status, err)
	}
}

func TestOpenMistakes(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	bucket := server.Bucket()
	good := credentials.NewStaticV4(server.Access, server.Secret, "")
	for name, c := range map[string]struct {
		url         string
		credentials *credentials.Credentials
		want        string
	}{
		"bucket": {"s3://missing?endpoint=" + server.Endpoint, good, "does not exist: create it"},
		"secret": {bucket, credentials.NewStaticV4(server.Access, "hunter2", ""), "credentials"},
		"key":    {bucket, credentials.NewStaticV4("nobody", server.Secret, ""), "credentials"},
		"region": {bucket + "&region=mars", good, "region"},
		"URL":    {"s3://" + server.Access + ":hunter2@bucket", good, "credentials do not belong"},
	} {
		_, err := s3.Open(t.Context(), s3.Options{URL: c.url, Staging: t.TempDir(), Credentials: c.credentials})
		switch {
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want something of %q", name, err, c.want)
		case errors.Is(err, blob.ErrUnavailable):
			t.Errorf("%s: %v will not pass by itself", name, err)
		case strings.Contains(err.Error(), "hunter2"), strings.Contains(err.Error(), server.Secret):
			t.Errorf("%s: %v gives away the secret", name, err)
		}
	}
	server.Kill()
	if _, err := s3.Open(t.Context(), s3.Options{URL: bucket, Staging: t.TempDir(), Credentials: good}); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("while it is away: %v", err)
	}
}

func BenchmarkKeep(b *testing.B) {
	server := s3test.Start(b)
	s := server.Open(server.Bucket())
	data := blobtest.Random(3 << 20)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		data[0], data[1], data[2] = byte(i), byte(i>>8), byte(i>>16)
		blobtest.Keep(b, s, data)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
