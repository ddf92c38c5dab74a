package main

import (
	"context"
	"encoding/hex"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/stats"
)

// A run with every kind of fault passes. The verification finds a changed byte, a
// lost file and a lost row.
func TestRunAndWhatItFinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := options{
		users: 20, links: 2, duration: 5 * time.Second, think: 50 * time.Millisecond, patience: time.Minute,
		sizes: mix{{20e3, 3}, {60e3, 1}}, repeats: 0.2, recoded: 0.1, slow: 0.1, slowRate: 100e3, disconnects: 0.2,
		form: true, verify: true, seed: 1,
	}

	target, err := openTarget(context.WithoutCancel(t.Context()), o, dir)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(target.stop)
	l, err := newLoad(o, target)
	if err != nil {
		t.Fatal(err)
	}

	r, err := l.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !r.good() || r.Verification.Recount != "equal" {
		t.Fatalf("the run failed: %+v, %v, %+v", r, r.Examples, r.Verification)
	}

	if r.Outcomes["stored"].Count == 0 || r.Outcomes["duplicate, exact"].Count == 0 || r.Retries["cut off"] == 0 {
		t.Errorf("not all kinds of files were sent: %+v, %v", r.Outcomes, r.Retries)
	}

	finds := func(what, complaint string) {
		t.Helper()
		v := l.check(t.Context(), nil)
		if v.Wrong == 0 || !strings.Contains(strings.Join(v.Examples, "\n"), complaint) {
			t.Errorf("%s: found %v, want %q", what, v.Examples, complaint)
		}
	}

	// A changed byte, then no file at all.
	path, whole := aBlob(t, dir)
	write(t, path, append([]byte{whole[0] ^ 1}, whole[1:]...))
	finds("a changed byte", "was acknowledged")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}

	finds("a lost file", "picture ")
	write(t, path, whole)
	if v := l.check(t.Context(), nil); v.Wrong > 0 {
		t.Fatalf("all is restored, and the check finds %v", v.Examples)
	}

	conn, err := pgx.Connect(t.Context(), target.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `DELETE FROM uploads WHERE id = (SELECT max(id) FROM uploads)`); err != nil {
		t.Fatal(err)
	}

	l.settling = time.Second
	finds("a lost row", "differ from SQL")
}

// aBlob is any picture of the private service.
func aBlob(t *testing.T, dir string) (path string, content []byte) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "data", "blobs"), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			path = name
		}

		return err
	})

	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		t.Fatal(err)
	}

	return path, content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The statistics must rise by the acknowledged files, give or take those whose
// answers were lost.
func TestCompare(t *testing.T) {
	t.Parallel()
	var before document
	after := func(accepted, stored, bytes int64) (d document) {
		d.Uploads.Accepted, d.Uploads.Stored, d.Uploads.Duplicates = accepted, stored, accepted-stored
		d.Images.Stored, d.Images.Bytes = stored, stored*100
		d.Formats = []stats.FormatCount{{Format: "jpeg", Images: stored}}
		d.UploadsPerDay = []stats.DayCount{{Accepted: accepted, Bytes: bytes}}

		return d
	}

	sent := totals{Accepted: 10, Stored: 8, Bytes: 1000, StoredBytes: 800}
	lossy, merging := sent, sent
	lossy.Lost, lossy.LostBytes = 1, 100
	merging.Mergeable, merging.MergeableBytes = 1, 100
	cases := []struct {
		name  string
		sent  totals
		after document
		right bool
	}{
		{"equal", sent, after(10, 8, 1000), true},
		{"one is missing", sent, after(9, 8, 900), false},
		{"one too many", sent, after(11, 8, 1100), false},
		{"one more was accepted, and its answer lost", lossy, after(11, 9, 1100), true},
		{"two more", lossy, after(12, 10, 1200), false},
		{"one was merged", merging, after(10, 7, 1000), true},
		{"a picture without a copy was merged", sent, after(10, 7, 1000), false},
		{"bytes are missing", sent, after(10, 8, 999), false},
	}

	for _, c := range cases {
		if err := c.sent.compare(before, c.after); (err == nil) != c.right {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAnswersThatCannotBe(t *testing.T) {
	t.Parallel()
	sum := func(b byte) (s [32]byte) { s[0] = b; return s }
	first := file{sum: sum(1), work: work{number: 1}}
	again := first
	again.again = true
	copied := file{sum: sum(2), work: work{number: 1, recoded: true}}
	other := file{sum: sum(3), work: work{number: 2}}
	of := func(f file, status, match, id string) entry {
		return entry{Status: status, Match: match, ID: id, SHA256: hex.EncodeToString(f.sum[:])}
	}

	cases := []struct {
		name   string
		file   file
		answer entry
		right  bool
	}{
		{"exact", again, of(first, "duplicate", "exact", "a"), true},
		{"a copy", copied, of(first, "duplicate", "perceptual", "a"), true},
		{"a copy that is not certain", copied, of(copied, "stored", "", "b"), true},
		{"another picture", other, of(other, "stored", "", "c"), true},
		{"stored as something else", other, of(first, "stored", "", "c"), false},
		{"stored twice", again, of(first, "stored", "", "c"), false},
		{"exact, and other bytes", other, of(first, "duplicate", "exact", "a"), false},
		{"two pictures merged", other, of(first, "duplicate", "perceptual", "a"), false},
		{"an id of two files", other, of(other, "stored", "", "a"), false},
		{"no id", other, of(other, "stored", "", ""), false},
	}

	for _, c := range cases {
		l := newLedger()
		if err := l.acknowledge(first, of(first, "stored", "", "a")); err != nil {
			t.Fatal(err)
		}
		if err := l.acknowledge(c.file, c.answer); (err == nil) != c.right {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The open loop begins files at its rate, however slow the answers are.
func TestOpenLoop(t *testing.T) {
	t.Parallel()
	l := &load{options: options{users: 10, rate: 50}}
	rnd := rand.New(rand.NewPCG(1, 2))
	begin := time.Now()
	last, n := begin, 0
	for last.Sub(begin) < time.Hour {
		last, n = l.next(last, rnd), n+1
	}

	if perUser := float64(n) / 3600; perUser < 4.8 || perUser > 5.2 {
		t.Errorf("a user begins %.2f files a second, want 5", perUser)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	var m mix
	if err := m.UnmarshalText([]byte("40KB:70,3MB:5")); err != nil || len(m) != 2 || m[1].size != 3e6 {
		t.Errorf("got %v, %v", m, err)
	}

	for _, bad := range []string{"", "40KB", "40KB:0", "1KB:5", "x:1", "40KB:-1"} {
		if err := new(mix).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("the mix %q is taken", bad)
		}
	}

	var s share
	for text, want := range map[string]share{"5%": 0.05, "0.5": 0.5, "100%": 1} {
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: got %v, %v", text, s, err)
		}
	}

	for _, bad := range []string{"", "-1%", "101%", "NaN", "x"} {
		if err := s.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("the share %q is taken", bad)
		}
	}
}
