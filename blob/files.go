// Package blob owns the bytes of the pictures: staging what arrives, keeping it
// under its SHA-256, the variants beside it, and removing both.
//
// It promises that what Keep and Put return from is durable (the file and the
// folders that lead to it are synced), that a name in the store never shows a
// part of a file, whatever dies when, and that files which were never kept can
// be told from those that were. Who may remove what, and when, is not decided
// here.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files is a store in a folder:
//
//	staging/*            what is arriving and too large for the memory
//	blobs/tmp/*          files on their way to their name
//	blobs/ab/ab12…       kept bytes, by their SHA-256
//	blobs/ab/ab12….w320.jpg  a variant
//
// There are 256 shards, made when the store is opened: a folder that is made
// for an upload has to be synced with all that lead to it, and costs more than
// the file in it.
//
// It is safe for concurrent use, by several processes as well.
type Files struct {
	root   string
	memory *memory // of what is staged
}

// Open opens the store at a file:///path URL and makes its folders.
func Open(rawURL string) (*Files, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("blob: the store's URL is malformed")
	}
	switch {
	case u.Scheme != "file":
		return nil, fmt.Errorf("blob: a store of the kind %q is not known, want file:///path", u.Scheme)
	case u.Host != "" && u.Host != "localhost", !filepath.IsAbs(u.Path):
		return nil, errors.New("blob: the store's URL must be of the form file:///path")
	}
	f := &Files{root: filepath.Clean(u.Path), memory: newMemory(stagedMemory, fileMemory)}
	if err := f.makeFolders(); err != nil {
		return nil, unavailable("open the store", err)
	}
	return f, nil
}

// makeFolders makes what is missing and makes sure that a power loss leaves all
// of it there. That a folder exists is not enough: whoever made it may have died.
func (f *Files) makeFolders() error {
	for _, dir := range []string{f.staging(), f.tmp()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	for i := range 256 {
		shard := filepath.Join(f.blobs(), fmt.Sprintf("%02x", i))
		if err := os.Mkdir(shard, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	// The folders above the root may belong to others and refuse.
	for dir := f.blobs(); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if err := syncDir(dir); err != nil && strings.HasPrefix(dir, f.root) {
			return err
		}
	}
	return nil
}

func (f *Files) staging() string { return filepath.Join(f.root, "staging") }
func (f *Files) blobs() string   { return filepath.Join(f.root, "blobs") }
func (f *Files) tmp() string     { return filepath.Join(f.blobs(), "tmp") }

// path is where k is kept. Keys are checked here once more, since this is
// where a name becomes a path.
func (f *Files) path(k Key) (string, error) {
	content, _, _ := strings.Cut(string(k), ".")
	if !isContent(content) || strings.ContainsAny(string(k), `/\`) {
		return "", fmt.Errorf("%w: %q is no key", ErrNotFound, k)
	}
	return filepath.Join(f.blobs(), content[:2], string(k)), nil
}

// isContent tells whether a name is that of kept bytes: 64 lower-case hex digits.
func isContent(name string) bool {
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}

// Ping tells whether the store takes files: it writes one and removes it.
func (f *Files) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	probe, err := os.CreateTemp(f.tmp(), "ping-*")
	if err != nil {
		return unavailable("ping", err)
	}
	_, err = probe.WriteString("ping")
	err = errors.Join(err, probe.Close(), os.Remove(probe.Name()))
	if _, statErr := os.Stat(f.staging()); statErr != nil {
		err = errors.Join(err, statErr)
	}
	return unavailable("ping", err)
}

// SweepStaging removes what was staged before olderThan and neither kept nor
// discarded: the debris of processes that died. It returns how many files.
func (f *Files) SweepStaging(ctx context.Context, olderThan time.Time) (int, error) {
	removed := 0
	for _, dir := range []string{f.staging(), f.tmp()} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return removed, unavailable("sweep staging", err)
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return removed, err
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) || (err == nil && !info.ModTime().Before(olderThan)) {
				continue
			}
			if err == nil {
				err = os.Remove(filepath.Join(dir, e.Name()))
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return removed, unavailable("sweep staging", err)
			}
			removed++
		}
	}
	return removed, nil
}

// unavailable says which operation failed, and that the store is to blame.
func unavailable(op string, err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, op, err)
}

// syncDir makes the entries of a folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
