package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOpenMakesAPrivateDir(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "a", "data"))
	info, err := os.Stat(d.Path())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if !filepath.IsAbs(d.Path()) {
		t.Errorf("%s is not absolute", d.Path())
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	_, err := Open(path)
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("a second use: %v", err)
	}
	for _, want := range []string{path, fmt.Sprintf("process %d", os.Getpid()), "INLET_DATA_DIR"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("a data dir that is a file: %v", err)
	}
	taken := t.TempDir()
	if err := os.Mkdir(filepath.Join(taken, "lock"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(taken); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("a lock that is a folder: %v", err)
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	calls := 0
	generate := func() (string, error) {
		calls++
		return fmt.Sprintf("value %d", calls), nil
	}
	for i, wantCreated := range []bool{true, false} {
		value, created, err := d.Secret("token", generate)
		if value != "value 1" || created != wantCreated || err != nil {
			t.Errorf("call %d: %q, %v, %v", i, value, created, err)
		}
	}
	info, err := os.Stat(filepath.Join(d.Path(), "token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// Another one is not mixed up with it.
	if value, created, err := d.Secret("keys", generate); value != "value 2" || !created || err != nil {
		t.Errorf("%q, %v, %v", value, created, err)
	}
}

func TestSecretFails(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	because := errors.New("no randomness")
	if _, _, err := d.Secret("a", func() (string, error) { return "", because }); !errors.Is(err, because) {
		t.Errorf("make fails: %v", err)
	}
	if _, err := os.Stat(filepath.Join(d.Path(), "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was kept: %v", err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), "b"), []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(d.Path(), "c"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "c", "no/such/folder"} {
		if value, _, err := d.Secret(name, newPassword); err == nil {
			t.Errorf("%s: %q", name, value)
		}
	}
}
