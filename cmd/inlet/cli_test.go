package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// person uses a service from a terminal of a folder of their own.
type person struct {
	*running
	dir string
}

// cli runs `inlet args…` against the service, and returns its output and status.
func (p *person) cli(t *testing.T, args ...string) (out, errs string, status int) {
	t.Helper()
	cmd := p.command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func (p *person) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, p.dir, args...)
	cmd.Env = append(cmd.Env, "INLET_URL="+p.base, "HOME="+p.dir, "XDG_CACHE_HOME="+filepath.Join(p.dir, "cache"))
	return cmd
}

// must is cli for what shall succeed.
func (p *person) must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, status := p.cli(t, args...)
	if status != 0 {
		t.Fatalf("inlet %s: status %d\n%s%s", strings.Join(args, " "), status, out, errs)
	}
	return out
}

// summary is the last line of upload --json.
type summary struct {
	Summary struct {
		Stored, Duplicates, Known, Rejected, Failed int
		NotSent                                     int   `json:"not_sent"`
		BytesSent                                   int64 `json:"bytes_sent"`
	}
}

func lastLine(t *testing.T, out string) summary {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return decode[summary](t, []byte(lines[len(lines)-1]))
}

// photosIn writes n pictures that are all different, and as large as small
// photos are.
func photosIn(t *testing.T, dir string, n int) (size int64) {
	t.Helper()
	for i := range n {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, noise(200+i, 150), &jpeg.Options{Quality: 90}); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%03d.jpg", i)), b.Bytes())
		size += int64(b.Len())
	}
	return size
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// The commands, against a real service, as a newcomer would use them: nothing is
// set but where the service listens.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := &person{start(t, dir), dir}
	link := strings.TrimSpace(p.must(t, "link", "create", "--expires", "1h", "--label", "Wedding"))
	pictures := filepath.Join(dir, "pictures")
	size := photosIn(t, pictures, 200)

	t.Run("what is there already is not sent", func(t *testing.T) {
		counted := newLine(t, p.base)
		through := strings.Replace(link, p.base, counted.url, 1)
		got := lastLine(t, p.must(t, "upload", through, pictures, "--json")).Summary
		if got.Stored != 200 || got.BytesSent != size {
			t.Errorf("got %+v of %d bytes", got, size)
		}
		write(t, filepath.Join(pictures, "new.png"), picture(t, 30))
		counted.bytes.Store(0)
		out := p.must(t, "upload", through, pictures, "--json")
		got = lastLine(t, out).Summary
		if got.Known != 200 || got.Stored != 1 {
			t.Errorf("got %+v", got)
		}
		if ids := strings.Count(out, `"id":"`); ids != 201 {
			t.Errorf("%d ids of 201 pictures", ids)
		}
		if n := counted.bytes.Load(); n*100 >= size {
			t.Errorf("%d bytes of %d went over the wire the second time", n, size)
		} else {
			t.Logf("%d bytes, then %d", size, n)
		}
	})
	t.Run("a dry run sends nothing", func(t *testing.T) {
		other := filepath.Join(dir, "other.png")
		write(t, other, picture(t, 31))
		out := p.must(t, "upload", link, pictures, other, "--dry-run")
		if !strings.Contains(out, "new        "+other) || !strings.Contains(out, "201 already there") || !strings.Contains(out, "1 not sent") {
			t.Errorf("got\n%s", out)
		}
		if sum := lastLine(t, p.must(t, "upload", link, other, "--json")).Summary; sum.Stored != 1 {
			t.Errorf("got %+v", sum)
		}
	})
	t.Run("the exit status tells rejected from failed", func(t *testing.T) {
		text := filepath.Join(dir, "notes.jpg")
		write(t, text, []byte("not a picture"))
		out, _, status := p.cli(t, "upload", link, text)
		if status != 3 || !strings.Contains(out, "rejected   "+text) || !strings.Contains(out, "unsupported-format") {
			t.Errorf("rejected: %d\n%s", status, out)
		}
		if _, _, status := p.cli(t, "upload", link, text, filepath.Join(dir, "gone.jpg")); status != 1 {
			t.Errorf("failed: %d", status)
		}
		for _, args := range [][]string{{"upload"}, {"upload", link}, {"upload", "https://h/x", text}, {"stats", "--x"}, {"link"}, {"nothing"}} {
			if _, errs, status := p.cli(t, args...); status != 2 || !strings.Contains(errs, "--help") {
				t.Errorf("%v: %d %s", args, status, errs)
			}
		}
		if _, errs, status := p.cli(t, "upload", p.base+"/u/x", text); status != 1 || !strings.Contains(errs, "link-invalid") {
			t.Errorf("a broken link: %d %s", status, errs)
		}
	})
	t.Run("a link that is used up ends it", func(t *testing.T) {
		small := strings.TrimSpace(p.must(t, "link", "create", "--max-files", "3"))
		out, errs, status := p.cli(t, "upload", small, pictures, "--resumable-over", "1KiB", "--all", "--json", "--parallel", "1")
		if sum := lastLine(t, out).Summary; status != 0 || sum.Known != 201 {
			t.Errorf("what is known uses nothing up: %d %+v %s", status, sum, errs)
		}
		more := filepath.Join(dir, "more")
		for i := range 5 {
			write(t, filepath.Join(more, fmt.Sprintf("%d.png", i)), picture(t, 40+i))
		}
		out, errs, status = p.cli(t, "upload", small, more, "--json")
		if sum := lastLine(t, out).Summary; status != 1 || sum.Stored != 3 || sum.NotSent != 2 || !strings.Contains(errs, "link-exhausted") {
			t.Errorf("%d %+v %s", status, sum, errs)
		}
	})
	t.Run("standard input", func(t *testing.T) {
		cmd := p.command(t, "upload", link, "-", "--name", "piped.png", "--json")
		cmd.Stdin = bytes.NewReader(picture(t, 32))
		out, err := cmd.Output()
		if err != nil || !bytes.Contains(out, []byte(`"filename":"piped.png","status":"stored"`)) {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("statistics", func(t *testing.T) {
		eventually(t, "the table of 206 pictures", func() bool {
			out := p.must(t, "stats")
			return strings.Contains(out, "PICTURES  206") && strings.Contains(out, "jpeg    200")
		})
		if out := p.must(t, "stats", "--recent"); strings.Count(out, "█") < 2 || !strings.Contains(out, "LINK, LAST 7 DAYS") {
			t.Errorf("recent:\n%s", out)
		}
		watch := p.command(t, "stats", "--watch", "--json")
		out, err := watch.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := watch.Start(); err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 10)
		if _, err := io.ReadFull(out, head); err != nil || string(head) != `{"as_of":"` {
			t.Errorf("%v: %s", err, head)
		}
		watch.Process.Signal(syscall.SIGINT)
		io.Copy(io.Discard, out)
		if err := watch.Wait(); err != nil {
			t.Errorf("Ctrl-C is how it ends: %v", err)
		}
	})
	t.Run("pictures and their data", func(t *testing.T) { p.takeOut(t, dir) })
	t.Run("a revoked link is refused", func(t *testing.T) {
		id, _, _ := strings.Cut(strings.Split(p.must(t, "link", "list"), "\n")[1], " ")
		if _, errs, status := p.cli(t, "link", "revoke", id, "--erase"); status != 2 || !strings.Contains(errs, "--yes") {
			t.Errorf("erased without being sure: %d %s", status, errs)
		}
		p.must(t, "link", "revoke", id, "--erase", "--yes")
		if _, errs, status := p.cli(t, "upload", link, pictures); status != 1 || !strings.Contains(errs, "link-revoked") {
			t.Errorf("%d %s", status, errs)
		}
		if list := p.must(t, "link", "list", "--json"); !strings.Contains(list, `"revoked":true`) {
			t.Error(list)
		}
		if out := p.must(t, "export", "--format", "ndjson"); strings.Count(out, "\n") != 3 { // through the other link
			t.Errorf("left: %.200s", out)
		}
	})
}

// takeOut fetches what TestCommandLine has uploaded.
func (p *person) takeOut(t *testing.T, dir string) {
	rows := strings.Split(strings.TrimSpace(p.must(t, "export", "--image-format", "jpeg")), "\n")
	if len(rows) != 201 || !strings.HasPrefix(rows[0], "id,sha256,") {
		t.Errorf("%d rows: %s", len(rows), rows[0])
	}
	table := filepath.Join(dir, "pictures.ndjson")
	p.must(t, "export", "--format", "ndjson", "-o", table)
	if data, err := os.ReadFile(table); err != nil || bytes.Count(data, []byte("\n")) != 206 {
		t.Errorf("%v: %d lines", err, bytes.Count(data, []byte("\n")))
	}
	if _, errs, status := p.cli(t, "export", "--from", "yesterday"); status != 1 || !strings.Contains(errs, "bad-request") {
		t.Errorf("%d %s", status, errs)
	}
	id, _, _ := strings.Cut(rows[1], ",")
	file := filepath.Join(dir, "back.jpg")
	p.must(t, "get", id, "-o", file)
	back, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(back, p.ask(t, "GET", "/v1/images/"+id, nil, http.StatusOK)) {
		t.Errorf("%v: the picture came back altered", err)
	}
	if small := p.must(t, "get", id, "--width", "160"); !strings.HasPrefix(small, "\xff\xd8\xff") {
		t.Errorf("no JPEG: %.20q", small)
	}
	if doc := p.must(t, "get", id, "--metadata"); decode[struct{ ID string }](t, []byte(doc)).ID != id {
		t.Errorf("got %s", doc)
	}
	if _, errs, status := p.cli(t, "get", "nothing"); status != 1 || !strings.Contains(errs, "not-found") {
		t.Errorf("%d %s", status, errs)
	}
}
