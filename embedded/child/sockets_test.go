package child

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShortPath(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	if len(temp) > 60 { // then links are made elsewhere
		temp = "/tmp"
	}

	short := filepath.Join(temp, "a")
	if path, release, err := ShortPath(short); path != short || err != nil {
		t.Errorf("%q becomes %q, %v", short, path, err)
	} else {
		release()
	}

	for _, name := range []string{strings.Repeat("long", 50), "comma,"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		first, _, err := ShortPath(dir) // and its owner is killed
		if err != nil {
			t.Fatal(err)
		}
		path, release, err := ShortPath(dir)
		if err != nil || len(path) > maxSocketDir || strings.Contains(path, ",") {
			t.Fatalf("%q becomes %q, %v", dir, path, err)
		}
		if _, err := os.Lstat(first); err == nil {
			t.Errorf("%s of an earlier owner is left", first)
		}
		info, err := os.Stat(filepath.Dir(path))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		socket := filepath.Join(path, strings.Repeat("s", 15))
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, filepath.Base(socket))); err != nil {
			t.Error(err)
		}
		if !Listens(t.Context(), socket) {
			t.Error("it does not listen")
		}
		listener.Close()
		if Listens(t.Context(), socket) {
			t.Error("it listens still")
		}
		release()
		if _, err := os.Lstat(filepath.Dir(path)); err == nil {
			t.Errorf("%s is left", path)
		}

		gone, _, err := ShortPath(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		dropAliases(filepath.Dir(filepath.Dir(gone)), "another")
		if _, err := os.Lstat(gone); err == nil {
			t.Errorf("%s to a folder that is gone is left", gone)
		}
	}
}
