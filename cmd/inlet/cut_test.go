package main

import (
	"bytes"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// line is a way to the service that counts what passes in either direction,
// and can be cut.
type line struct {
	url    string
	bytes  atomic.Int64
	budget atomic.Int64 // bytes until everything is cut; 0: never
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &line{url: "http://" + l.Addr().String()}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(to, "http://"))
			if err != nil {
				near.Close()
				continue
			}
			go w.pass(near, far)
			go w.pass(far, near)
		}
	}()
	return w
}

func (w *line) pass(to io.WriteCloser, from io.ReadCloser) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		passed := w.bytes.Add(int64(n))
		if budget := w.budget.Load(); err != nil || budget > 0 && passed > budget {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// Ctrl-C ends an upload at once, and it says how far it came.
func TestCommandLineInterrupted(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodGet:
			io.WriteString(w, `{"max_file_bytes":1000000}`)
		case strings.HasSuffix(r.URL.Path, "/check"):
			io.WriteString(w, `{"known":[]}`)
		default:
			io.Copy(io.Discard, r.Body)
			close(arrived)
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.png"), picture(t, 3))
	p := &person{&running{base: server.URL}, dir}
	cmd := p.command(t, "upload", server.URL+"/u/x", "a.png")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Wait()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stdout.String(), "0 failed, 1 not sent") ||
		!strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("status %d\n%s%s", cmd.ProcessState.ExitCode(), &stdout, &stderr)
	}
}

// An upload whose line is cut goes on when it is run again, and sends nothing
// twice but what was on its way.
func TestCommandLineCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := &person{start(t, dir), dir}
	link := strings.TrimSpace(p.must(t, "link", "create"))
	pictures := filepath.Join(dir, "pictures")
	size := photosIn(t, pictures, 60)
	counted := newLine(t, p.base)
	counted.budget.Store(size / 2)
	through := strings.Replace(link, p.base, counted.url, 1)
	out, errs, status := p.cli(t, "upload", through, pictures, "--json", "--tries", "2", "--parallel", "2")
	first := lastLine(t, out).Summary
	if status != 1 || first.Stored == 0 || first.NotSent == 0 || !strings.Contains(errs, "again to go on") {
		t.Errorf("status %d, %+v, %s", status, first, errs)
	}
	second := lastLine(t, p.must(t, "upload", link, pictures, "--json")).Summary
	if second.Stored+second.Known != 60 || second.Known < first.Stored || second.BytesSent > size*6/10 {
		t.Errorf("%+v, then %+v of %d bytes", first, second, size)
	}
}

// A large file whose line is cut goes on where it was, in another process.
func TestCommandLineResume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := &person{start(t, dir), dir}
	link := strings.TrimSpace(p.must(t, "link", "create"))
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, noise(2000, 1500)); err != nil {
		t.Fatal(err)
	}
	large, size := filepath.Join(dir, "large.png"), int64(b.Len())
	write(t, large, b.Bytes())
	counted := newLine(t, p.base)
	counted.budget.Store(size / 2)
	through := strings.Replace(link, p.base, counted.url, 1)
	if out, _, status := p.cli(t, "upload", through, large, "--tries", "1"); status != 1 {
		t.Fatalf("status %d\n%s", status, out)
	}
	counted.budget.Store(0)
	counted.bytes.Store(0)
	if sum := lastLine(t, p.must(t, "upload", through, large, "--json")).Summary; sum.Stored != 1 {
		t.Errorf("got %+v", sum)
	}
	if n := counted.bytes.Load(); n > size*3/4 {
		t.Errorf("%d bytes of %d went over the wire the second time", n, size)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "cache", "inlet", "uploads", "*")); err != nil || len(left) > 0 {
		t.Errorf("still remembered: %v, %v", left, err)
	}
}
