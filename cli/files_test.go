package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"inlet/client"
)

// A file has its name only when it is whole; what was there before stays until
// then.
func TestOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "pictures.csv")
	out := output(path)
	fill := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			io.WriteString(w, text)
			return err
		}
	}
	cmd := &cobra.Command{}
	broken := errors.New("broken off")
	for _, c := range []struct {
		text string
		err  error
		want string
	}{{"half", broken, ""}, {"whole", nil, "whole"}, {"half", broken, "whole"}, {"newer", nil, "newer"}} {
		if err := out.write(cmd, fill(c.text, c.err)); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.text, err)
		}
		if got, _ := os.ReadFile(path); string(got) != c.want {
			t.Errorf("after %s: %q, want %q", c.text, got, c.want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if err := output(dir).write(cmd, fill("", nil)); err == nil {
		t.Error("a folder was written to")
	}
	if err := output(os.DevNull).write(cmd, fill("x", nil)); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device is replaced: %v, %v", info.Mode(), err)
	}
	var stdout bytes.Buffer
	cmd.SetOut(&stdout)
	if err := output("-").write(cmd, fill("here", nil)); err != nil || stdout.String() != "here" {
		t.Errorf("%q, %v", stdout.String(), err)
	}
}

func TestSessions(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	now := time.Now()
	s := openSessions(now)
	key := sessionKey("https://h/u/x", [32]byte{1})
	if other := sessionKey("https://h/u/y", [32]byte{1}); other == key {
		t.Error("two links share a session")
	}
	if _, found := s.load(key); found {
		t.Error("found before it was saved")
	}
	if err := s.save(key, "1"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.file(key))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info, err)
	}
	if id, found := openSessions(now).load(key); !found || id != "1" {
		t.Errorf("got %q, %v", id, found)
	}
	if _, found := openSessions(now.Add(sessionAge + time.Hour)).load(key); found {
		t.Error("an old session is kept")
	}
	if err := s.save(key, "again"); err != nil {
		t.Fatal(err)
	}
	s.drop(key)
	if _, found := s.load(key); found {
		t.Error("found after it was dropped")
	}
	if err := sessions("").save(key, ""); !errors.Is(err, errNoCache) {
		t.Errorf("without a cache folder: %v", err)
	}
}

// newTestReport reports into buffers.
func newTestReport(asJSON bool) (*report, *bytes.Buffer) {
	cmd := &cobra.Command{}
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	return newReport(cmd, nil, asJSON), &out
}

// outcomes reports one file of each kind; the first has a twin.
func outcomes(r *report) {
	first := &file{path: "d/a.jpg", name: "a.jpg", sum: [32]byte{1}}
	twin := &file{path: "d/a again.jpg", name: "a again.jpg", sum: [32]byte{1}}
	r.plan(join([]*file{first, twin}))
	r.skipped(1, 2)
	r.sent.Add(3 << 20)
	r.done(first, client.Result{Filename: "a.jpg", Status: client.Stored, ID: "1"})
	r.done(&file{path: "b"}, client.Result{Status: client.Duplicate, ID: "2", Match: "exact"})
	r.done(&file{path: "c"}, client.Result{Status: client.Rejected, Error: &client.ProblemError{Code: "too-large", Detail: "too large"}})
	r.failed(&file{path: "e\x1b"}, errors.New("no such file"))
}

func TestReport(t *testing.T) {
	t.Parallel()
	r, out := newTestReport(false)
	outcomes(r)
	sum, err := r.end()
	if err != nil || sum.Stored != 1 || sum.Known != 1 || sum.Failed != 1 {
		t.Errorf("got %+v, %v", sum, err)
	}
	want := `stored     d/a.jpg  1
known      d/a again.jpg  1
duplicate  b  2
rejected   c: too large (too-large)
failed     e` + "\uFFFD" + `: no such file
1 stored, 1 duplicates, 1 already there, 1 rejected, 1 failed, 2 skipped as no pictures, 1 skipped as hidden; 3.0 MiB sent in `
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got\n%s", out)
	}
}

func TestReportJSON(t *testing.T) {
	t.Parallel()
	r, out := newTestReport(true)
	outcomes(r)
	if _, err := r.end(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var first outcome
	var last struct{ Summary summary }
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || first.Path != "d/a.jpg" || first.ID != "1" {
		t.Errorf("%+v, %v", first, err)
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Summary.Duplicates != 1 || last.Summary.BytesSent != 3<<20 {
		t.Errorf("%+v, %v", last, err)
	}
	if len(lines) != 6 {
		t.Errorf("%d lines:\n%s", len(lines), out)
	}
}
