package pgserver

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"inlet/embedded/child"
)

// repository serves an archive in the form of Maven Central, whose programs
// say that they are version 17.
func repository(t *testing.T) (url string, downloads *atomic.Int32) {
	t.Helper()
	packed, err := os.ReadFile("testdata/postgresql.txz")
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	archive := zip.NewWriter(&jar)
	w, err := archive.Create("postgres-linux-x86_64.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(jar.Bytes())
	downloads = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, ".jar"):
			downloads.Add(1)
			w.Write(jar.Bytes())
		case strings.HasSuffix(r.URL.Path, ".jar.sha256"):
			w.Write([]byte(hex.EncodeToString(sum[:])))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, downloads
}

// fetcher is a cluster on a machine without PostgreSQL.
func fetcher(t *testing.T, url string) *cluster {
	t.Helper()
	dir := t.TempDir()
	user, err := child.Unprivileged(filepath.Join(dir, "none"), "postgres", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	return &cluster{Options: Options{Dir: filepath.Join(dir, "postgres"), Cache: cache, Repository: url}, user: user}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	url, downloads := repository(t)
	c := fetcher(t, url)
	enterable(t, filepath.Dir(c.Cache))
	var notices []string
	c.Notice = func(message string) { notices = append(notices, message) }
	for range 2 {
		got, err := c.fetch(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got.Major != 17 {
			t.Errorf("version %d", got.Major)
		}
		if found, err := version(t.Context(), got.Dir, c.user); found != 17 || err != nil {
			t.Errorf("what was fetched says version %d, %v", found, err)
		}
	}
	if downloads.Load() != 1 || len(notices) != 1 {
		t.Errorf("%d downloads, told %q; want one", downloads.Load(), notices)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Cache, ".fetch-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// enterable lets every user pass through the test's folder.
func enterable(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFetchFails(t *testing.T) {
	t.Parallel()
	nowhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nowhere.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	// The archive's programs are those of 17.
	url, _ := repository(t)
	for name, test := range map[string]struct {
		url   string
		major int
		want  string
	}{
		"unreachable":   {closed.URL, 0, "unable to connect"},
		"not found":     {nowhere.URL, 0, "no version found"},
		"not available": {url, 9, "no PostgreSQL 9 to be fetched"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fetcher(t, test.url).fetch(t.Context(), test.major)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}
