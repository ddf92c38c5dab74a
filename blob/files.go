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
	*Staging
	root string
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
	root := filepath.Clean(u.Path)
	staging, err := NewStaging(filepath.Join(root, "staging"))
	if err != nil {
		return nil, err
	}
	f := &Files{Staging: staging, root: root}
	if err := f.makeFolders(); err != nil {
		return nil, unavailable("open the store", err)
	}
	return f, nil
}

// makeFolders makes what is missing and makes sure that a power loss leaves all
// of it there. That a folder exists is not enough: whoever made it may have died.
func (f *Files) makeFolders() error {
	if err := os.MkdirAll(f.tmp(), 0o700); err != nil {
		return err
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

func (f *Files) blobs() string { return filepath.Join(f.root, "blobs") }
func (f *Files) tmp() string   { return filepath.Join(f.blobs(), "tmp") }

// path is where k is kept.
func (f *Files) path(k Key) (string, error) {
	path, err := k.Path()
	return filepath.Join(f.blobs(), filepath.FromSlash(path)), err
}

// Ping tells whether the store takes files: it writes one and removes it.
func (f *Files) Ping(ctx context.Context) error {
	if err := f.Staging.Ping(ctx); err != nil {
		return err
	}
	probe, err := os.CreateTemp(f.tmp(), "ping-*")
	if err != nil {
		return unavailable("ping", err)
	}
	_, err = probe.WriteString("ping")
	return unavailable("ping", errors.Join(err, probe.Close(), os.Remove(probe.Name())))
}

// SweepStaging removes what was staged before olderThan and neither kept nor
// discarded: the debris of processes that died. It returns how many files.
func (f *Files) SweepStaging(ctx context.Context, olderThan time.Time) (int, error) {
	staged, err := f.Staging.SweepStaging(ctx, olderThan)
	if err != nil {
		return staged, err
	}
	unnamed, err := sweepFolder(ctx, f.tmp(), olderThan)
	return staged + unnamed, err
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
